//! The messages of the samples, built by hand from what their notes say.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::time::Duration;

use araldo_rcs::message::{
    Action, ActionKind, ActionType, AgentMessage, CardContent, CardOrientation, CardWidth, CarouselCard, ComposeAction,
    ComposeRecordingMessage, ComposeTextMessage, Content, ContentInfo, CreateCalendarEventAction, Expiry, LatLng,
    Media, MediaHeight, MediaSource, OpenUrlAction, OpenUrlApplication, RichCard, StandaloneCard, Suggestion,
    ThumbnailImageAlignment, TrafficType, UploadedRbmFile, ViewLocationAction, WebviewViewMode,
};

/// The message of each sample that is to be accepted.
pub(crate) fn messages() -> Vec<(&'static str, AgentMessage)> {
    vec![
        (
            "send-text.request.json",
            AgentMessage::text("Your parcel left the depot at 09:10.", TrafficType::Transaction),
        ),
        ("send-otp-ttl.request.json", otp()),
        ("send-text-expiretime.request.json", expire_time()),
        ("send-text-ttl-fraction.request.json", fraction()),
        ("send-text-replies.request.json", replies()),
        ("send-text-all-actions.request.json", all_actions()),
        ("send-text-compose-action.request.json", compose()),
        ("send-file-url.request.json", file_url()),
        ("send-image-url-thumb.request.json", thumbnail()),
        (
            "send-file-uploaded.request.json",
            uploaded(Some("files/8d2f1a90-31c5-4c1b-9a77-000000000002")),
        ),
        ("send-file-legacy-filename.request.json", uploaded(None)),
        ("send-card-vertical.request.json", vertical()),
        ("send-card-horizontal.request.json", horizontal()),
        ("send-card-text-only.request.json", text_only()),
        ("send-card-uploaded-media.request.json", uploaded_media()),
        ("send-carousel.request.json", carousel()),
        ("send-carousel-small-max.request.json", small_carousel()),
        ("send-limits-max.request.json", limits()),
        ("send-optout-ack.request.json", opt_out()),
    ]
}

fn otp() -> AgentMessage {
    let text = "482913 is your sign-in code. It stops working in 5 minutes.";
    let expiry = Some(Expiry::Ttl(Duration::from_secs(60)));
    AgentMessage {
        expiry,
        ..AgentMessage::text(text, TrafficType::Authentication)
    }
}

fn expire_time() -> AgentMessage {
    let expiry = Some(Expiry::ExpireTime("2026-03-04T18:30:00Z".parse().unwrap()));
    AgentMessage {
        expiry,
        ..AgentMessage::text("Doors open at 18:30 tonight.", TrafficType::Transaction)
    }
}

fn fraction() -> AgentMessage {
    let expiry = Some(Expiry::Ttl(Duration::from_millis(90_500)));
    AgentMessage {
        expiry,
        ..AgentMessage::text("Boarding has moved to gate 7.", TrafficType::Transaction)
    }
}

fn with(mut message: AgentMessage, suggestions: Vec<Suggestion>) -> AgentMessage {
    message.content_message.suggestions = suggestions;
    message
}

fn replies() -> AgentMessage {
    with(
        AgentMessage::text(
            "Can you make your visit on Thursday at 14:00?",
            TrafficType::Transaction,
        ),
        vec![
            Suggestion::reply("Yes, I will come", "appt:7731:yes"),
            Suggestion::reply("Pick another time", "appt:7731:move"),
            Suggestion::reply("Cancel it", "appt:7731:cancel"),
        ],
    )
}

fn falling_back(text: &str, postback_data: &str, url: &str, kind: ActionKind) -> Suggestion {
    Suggestion::Action(Action {
        text: text.into(),
        postback_data: postback_data.into(),
        fallback_url: Some(url.into()),
        kind,
    })
}

fn all_actions() -> AgentMessage {
    let webview = OpenUrlAction {
        url: "https://pay.example.com/7731".into(),
        application: Some(OpenUrlApplication::Webview),
        webview_view_mode: Some(WebviewViewMode::Tall),
        description: Some("Payment page for booking 7731".into()),
    };
    let clinic = ViewLocationAction {
        lat_long: Some(LatLng {
            latitude: 51.5033,
            longitude: -0.1195,
        }),
        label: Some("Riverside Clinic".into()),
        query: None,
    };
    let query = ViewLocationAction {
        query: Some("Riverside Clinic".into()),
        ..ViewLocationAction::default()
    };
    let visit = CreateCalendarEventAction {
        start_time: "2026-03-12T14:00:00Z".parse().unwrap(),
        end_time: "2026-03-12T14:30:00Z".parse().unwrap(),
        title: "Clinic visit".into(),
        description: Some("Bring your referral letter.".into()),
    };
    let map = "https://maps.example.com/?q=51.5033,-0.1195";
    let ics = "https://www.example.com/b/7731.ics";
    let dial = ActionKind::dial("+442079460000");
    with(
        AgentMessage::text("Everything about your visit:", TrafficType::Transaction),
        vec![
            falling_back("Call the desk", "act:dial", "https://www.example.com/contact", dial),
            Suggestion::action(
                "Open the booking",
                "act:url",
                ActionKind::open_url("https://www.example.com/b/7731"),
            ),
            Suggestion::action("Pay in the chat", "act:webview", ActionKind::OpenUrl(webview)),
            falling_back("Show the clinic", "act:map", map, ActionKind::ViewLocation(clinic)),
            Suggestion::action("Find one nearby", "act:mapquery", ActionKind::ViewLocation(query)),
            Suggestion::action("Send my location", "act:share", ActionKind::ShareLocation {}),
            falling_back(
                "Add to calendar",
                "act:cal",
                ics,
                ActionKind::CreateCalendarEvent(visit),
            ),
        ],
    )
}

fn compose() -> AgentMessage {
    let text = ComposeAction::ComposeTextMessage(ComposeTextMessage {
        phone_number: "+447700900999".into(),
        text: "Have a look at this".into(),
    });
    let audio = ComposeAction::ComposeRecordingMessage(ComposeRecordingMessage {
        phone_number: "+447700900999".into(),
        recording: ActionType::Audio,
    });
    with(
        AgentMessage::text("Tell a friend", TrafficType::ServiceRequest),
        vec![
            Suggestion::action("Write a text", "act:compose", ActionKind::Compose(text)),
            Suggestion::action("Record audio", "act:rec", ActionKind::Compose(audio)),
        ],
    )
}

fn file_url() -> AgentMessage {
    let file = ContentInfo::new("https://media.example.com/bills/2026-02.pdf");
    AgentMessage::new(Content::ContentInfo(file), TrafficType::Transaction)
}

fn thumbnail() -> AgentMessage {
    let file = ContentInfo {
        file_url: "https://media.example.com/map.png".into(),
        thumbnail_url: Some("https://media.example.com/map-small.jpg".into()),
        force_refresh: true,
    };
    with(
        AgentMessage::new(Content::ContentInfo(file), TrafficType::ServiceRequest),
        vec![Suggestion::reply("Thanks", "map:ok")],
    )
}

fn uploaded(thumbnail_name: Option<&str>) -> AgentMessage {
    let file = UploadedRbmFile {
        file_name: "files/8d2f1a90-31c5-4c1b-9a77-000000000001".into(),
        thumbnail_name: thumbnail_name.map(str::to_owned),
    };
    AgentMessage::new(Content::UploadedRbmFile(file), TrafficType::Transaction)
}

fn standalone(orientation: CardOrientation, content: CardContent, traffic_type: TrafficType) -> AgentMessage {
    let alignment = (orientation == CardOrientation::Horizontal).then_some(ThumbnailImageAlignment::Left);
    let card = StandaloneCard {
        card_orientation: orientation,
        thumbnail_image_alignment: alignment,
        card_content: content,
    };
    AgentMessage::new(Content::RichCard(RichCard::StandaloneCard(card)), traffic_type)
}

fn vertical() -> AgentMessage {
    let open = ActionKind::open_url("https://www.example.com/timetable");
    let content = CardContent {
        title: Some("Spring timetable".into()),
        description: Some("New departures start on Monday.".into()),
        media: Some(Media {
            height: Some(MediaHeight::Medium),
            source: MediaSource::ContentInfo(ContentInfo {
                thumbnail_url: Some("https://media.example.com/ferry-s.jpg".into()),
                ..ContentInfo::new("https://media.example.com/ferry.jpg")
            }),
        }),
        suggestions: vec![
            Suggestion::action("See the timetable", "tt:open", open),
            Suggestion::reply("Stop these messages", "optout"),
        ],
    };
    let expiry = Some(Expiry::Ttl(Duration::from_secs(86_400)));
    AgentMessage {
        expiry,
        ..standalone(CardOrientation::Vertical, content, TrafficType::Promotion)
    }
}

fn horizontal() -> AgentMessage {
    let box_of_order = ContentInfo::new("https://media.example.com/box.jpg");
    let content = CardContent {
        title: Some("Order 5512".into()),
        description: Some("Two items, arriving Friday.".into()),
        media: Some(Media {
            height: None,
            source: MediaSource::ContentInfo(box_of_order),
        }),
        suggestions: Vec::new(),
    };
    standalone(CardOrientation::Horizontal, content, TrafficType::Transaction)
}

fn text_only() -> AgentMessage {
    let content = CardContent {
        title: Some("Service notice".into()),
        description: Some("Lift 2 is closed until 17:00.".into()),
        ..CardContent::default()
    };
    standalone(CardOrientation::Vertical, content, TrafficType::ServiceRequest)
}

fn uploaded_media() -> AgentMessage {
    let ticket = UploadedRbmFile::new("files/8d2f1a90-31c5-4c1b-9a77-000000000003");
    let content = CardContent {
        title: Some("Your ticket".into()),
        media: Some(Media {
            height: Some(MediaHeight::Tall),
            source: MediaSource::UploadedRbmFile(ticket),
        }),
        ..CardContent::default()
    };
    standalone(CardOrientation::Vertical, content, TrafficType::Transaction)
}

fn cabins(width: CardWidth, height: MediaHeight, count: usize) -> AgentMessage {
    let cabin = |number: usize| CardContent {
        title: Some(format!("Cabin type {number}")),
        description: Some(format!("From {} per night", 40 + 10 * number)),
        media: Some(Media {
            height: Some(height),
            source: MediaSource::ContentInfo(ContentInfo::new(format!("https://media.example.com/cabin{number}.jpg"))),
        }),
        suggestions: vec![Suggestion::reply(
            format!("Choose type {number}"),
            format!("cabin:{number}"),
        )],
    };
    let carousel = CarouselCard {
        card_width: width,
        card_contents: (1..=count).map(cabin).collect(),
    };
    AgentMessage::new(
        Content::RichCard(RichCard::CarouselCard(carousel)),
        TrafficType::Promotion,
    )
}

fn carousel() -> AgentMessage {
    with(
        cabins(CardWidth::Medium, MediaHeight::Medium, 3),
        vec![Suggestion::reply("None of these", "cabin:none")],
    )
}

fn small_carousel() -> AgentMessage {
    cabins(CardWidth::Small, MediaHeight::Short, 10)
}

fn opt_out() -> AgentMessage {
    let text = "You will get no more offers from Harbour Bank. Change this at https://www.example.com/prefs";
    AgentMessage::text(text, TrafficType::Acknowledgement)
}

fn limits() -> AgentMessage {
    let option = |number: usize| {
        let label = format!("{:.<25}", format!("Option {number:02} "));
        Suggestion::reply(label, format!("p{number:02}-{}", "0".repeat(2_044)))
    };
    with(
        AgentMessage::text("x".repeat(3_072), TrafficType::Transaction),
        (1..=11).map(option).collect(),
    )
}
