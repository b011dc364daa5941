//! Messages and payloads of every shape, within the limits and a little beyond them. Strategies of large values are boxed,
//! or they overflow the stack.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::time::Duration;

use araldo_rcs::answer::RichMessageClassification;
use araldo_rcs::message::{
    Action, ActionKind, ActionType, AgentContentMessage, AgentMessage, CardContent, CardOrientation, CardWidth,
    CarouselCard, ComposeAction, ComposeRecordingMessage, ComposeTextMessage, Content, ContentInfo,
    CreateCalendarEventAction, DialAction, Expiry, LatLng, Media, MediaHeight, MediaSource, OpenUrlAction,
    OpenUrlApplication, RichCard, StandaloneCard, SuggestedReply, Suggestion, ThumbnailImageAlignment, TrafficType,
    UploadedRbmFile, ViewLocationAction, WebviewViewMode,
};
use araldo_rcs::webhook::{
    FileInfo, LaunchEvent, LaunchState, Payload, ServerEvent, ServerEventType, SuggestionResponse, SuggestionType,
    UserContent, UserEvent, UserEventType, UserFile, UserMessage, UserMessageId,
};
use araldo_rcs::{AgentId, Msisdn};
use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A text of about as many characters as a limit allows, mostly fewer; now and then empty.
fn text(limit: usize) -> BoxedStrategy<String> {
    prop_oneof![
        6 => "\\PC{1,12}",
        2 => any::<String>(),
        1 => (limit - 2..limit + 2).prop_map(|length| "x".repeat(length)),
        1 => (limit / 2 - 2..limit / 2 + 2).prop_map(|length| "😀".repeat(length)),
    ]
    .boxed()
}

fn url() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "https://[a-z]{1,10}\\.example/[a-zA-Z0-9/._~%?=&-]{0,20}",
        1 => (2_020..2_050_usize).prop_map(|length| format!("https://e.example/{}", "a".repeat(length))),
        1 => "\\PC{0,20}",
    ]
    .boxed()
}

fn file_name() -> impl Strategy<Value = String> {
    prop_oneof![9 => "files/[a-z0-9-]{1,36}", 1 => "\\PC{0,10}"]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[+0-9*#]{1,16}", 1 => "\\PC{0,10}"]
}

/// From the year 1970 to 2100, with fractions of all lengths.
fn time() -> impl Strategy<Value = Timestamp> {
    let nanoseconds = prop_oneof![
        Just(0),
        (0..1_000).prop_map(|ms| ms * 1_000_000),
        (0..1_000_000).prop_map(|us| us * 1_000),
        0..1_000_000_000
    ];
    (0..4_102_444_800_i64, nanoseconds).prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap())
}

fn place() -> impl Strategy<Value = LatLng> {
    (-91.0..91.0, -181.0..181.0).prop_map(|(latitude, longitude)| LatLng { latitude, longitude })
}

fn content_info() -> BoxedStrategy<ContentInfo> {
    (url(), option::of(url()), any::<bool>())
        .prop_map(|(file_url, thumbnail_url, force_refresh)| ContentInfo {
            file_url,
            thumbnail_url,
            force_refresh,
        })
        .boxed()
}

fn uploaded() -> impl Strategy<Value = UploadedRbmFile> {
    (file_name(), option::of(file_name())).prop_map(|(file_name, thumbnail_name)| UploadedRbmFile {
        file_name,
        thumbnail_name,
    })
}

fn open_url() -> BoxedStrategy<OpenUrlAction> {
    let application = option::of(select(vec![OpenUrlApplication::Browser, OpenUrlApplication::Webview]));
    let mode = option::of(select(vec![
        WebviewViewMode::Full,
        WebviewViewMode::Half,
        WebviewViewMode::Tall,
    ]));
    (url(), application, mode, option::of(text(1_024)))
        .prop_map(|(url, application, webview_view_mode, description)| OpenUrlAction {
            url,
            application,
            webview_view_mode,
            description,
        })
        .boxed()
}

fn calendar() -> BoxedStrategy<CreateCalendarEventAction> {
    (time(), time(), text(100), option::of(text(500)))
        .prop_map(|(start_time, end_time, title, description)| CreateCalendarEventAction {
            start_time,
            end_time,
            title,
            description,
        })
        .boxed()
}

fn compose() -> BoxedStrategy<ComposeAction> {
    let recording = select(vec![ActionType::Audio, ActionType::Video]);
    prop_oneof![
        (number(), text(3_072)).prop_map(|(phone_number, text)| {
            ComposeAction::ComposeTextMessage(ComposeTextMessage { phone_number, text })
        }),
        (number(), recording).prop_map(|(phone_number, recording)| {
            ComposeAction::ComposeRecordingMessage(ComposeRecordingMessage {
                phone_number,
                recording,
            })
        }),
    ]
    .boxed()
}

fn action_kind() -> BoxedStrategy<ActionKind> {
    let view = (option::of(place()), option::of(text(1_024)), option::of(text(1_024)))
        .prop_map(|(lat_long, label, query)| ViewLocationAction { lat_long, label, query });
    prop_oneof![
        number().prop_map(|phone_number| ActionKind::Dial(DialAction { phone_number })),
        open_url().prop_map(ActionKind::OpenUrl),
        view.prop_map(ActionKind::ViewLocation),
        Just(ActionKind::ShareLocation {}),
        calendar().prop_map(ActionKind::CreateCalendarEvent),
        compose().prop_map(ActionKind::Compose),
    ]
    .boxed()
}

fn suggestion() -> BoxedStrategy<Suggestion> {
    let action = (text(25), text(2_048), option::of(url()), action_kind());
    prop_oneof![
        (text(25), text(2_048))
            .prop_map(|(text, postback_data)| Suggestion::Reply(SuggestedReply { text, postback_data })),
        action.prop_map(|(text, postback_data, fallback_url, kind)| {
            Suggestion::Action(Action {
                text,
                postback_data,
                fallback_url,
                kind,
            })
        }),
    ]
    .boxed()
}

fn card_content() -> BoxedStrategy<CardContent> {
    let height = option::of(select(vec![MediaHeight::Short, MediaHeight::Medium, MediaHeight::Tall]));
    let source = prop_oneof![
        content_info().prop_map(MediaSource::ContentInfo),
        uploaded().prop_map(MediaSource::UploadedRbmFile)
    ];
    let media = (height, source).prop_map(|(height, source)| Media { height, source });
    let suggestions = prop::collection::vec(suggestion(), 0..3);
    (
        option::of(text(200)),
        option::of(text(2_000)),
        option::of(media),
        suggestions,
    )
        .prop_map(|(title, description, media, suggestions)| CardContent {
            title,
            description,
            media,
            suggestions,
        })
        .boxed()
}

fn rich_card() -> BoxedStrategy<RichCard> {
    let alignment = option::of(select(vec![
        ThumbnailImageAlignment::Left,
        ThumbnailImageAlignment::Right,
    ]));
    let orientation = select(vec![CardOrientation::Horizontal, CardOrientation::Vertical]);
    let width = select(vec![CardWidth::Small, CardWidth::Medium]);
    prop_oneof![
        (orientation, alignment, card_content()).prop_map(|(orientation, alignment, card_content)| {
            RichCard::StandaloneCard(StandaloneCard {
                card_orientation: orientation,
                thumbnail_image_alignment: alignment,
                card_content,
            })
        }),
        (width, prop::collection::vec(card_content(), 1..5)).prop_map(|(card_width, card_contents)| {
            RichCard::CarouselCard(CarouselCard {
                card_width,
                card_contents,
            })
        }),
    ]
    .boxed()
}

/// Any message.
pub(crate) fn message() -> impl Strategy<Value = AgentMessage> {
    let content = prop_oneof![
        text(3_072).prop_map(Content::Text),
        rich_card().prop_map(Content::RichCard),
        content_info().prop_map(Content::ContentInfo),
        uploaded().prop_map(Content::UploadedRbmFile),
    ];
    let traffic_type = option::of(select(vec![
        TrafficType::Authentication,
        TrafficType::Transaction,
        TrafficType::Promotion,
        TrafficType::ServiceRequest,
        TrafficType::Acknowledgement,
    ]));
    let expiry = option::of(prop_oneof![
        (0..1_400_000_u64, 0..1_000_000_000_u32).prop_map(|(s, ns)| Expiry::Ttl(Duration::new(s, ns))),
        time().prop_map(Expiry::ExpireTime),
    ]);
    (content, prop::collection::vec(suggestion(), 0..4), traffic_type, expiry).prop_map(
        |(content, suggestions, message_traffic_type, expiry)| AgentMessage {
            content_message: AgentContentMessage { content, suggestions },
            message_traffic_type,
            expiry,
        },
    )
}

/// Any number.
pub(crate) fn msisdn() -> impl Strategy<Value = Msisdn> {
    "\\+[1-9][0-9]{1,14}".prop_map(|text| Msisdn::parse(&text).unwrap())
}

/// Any agent.
pub(crate) fn agent_id() -> impl Strategy<Value = AgentId> {
    "[a-zA-Z0-9._-]{1,40}".prop_map(|text| AgentId::parse(&text).unwrap())
}

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/+=-]{1,40}"
}

fn file_info() -> BoxedStrategy<FileInfo> {
    (
        option::of("[a-z]{1,5}/[a-z]{1,5}"),
        option::of(any::<u64>()),
        option::of(any::<String>()),
        any::<String>(),
    )
        .prop_map(|(mime_type, file_size_bytes, file_name, file_uri)| FileInfo {
            mime_type,
            file_size_bytes,
            file_name,
            file_uri,
        })
        .boxed()
}

fn user_content() -> BoxedStrategy<UserContent> {
    let kind = prop_oneof![
        Just(SuggestionType::Reply),
        Just(SuggestionType::Action),
        "[a-z]{1,9}".prop_map(SuggestionType::Other)
    ];
    let tap = (any::<String>(), option::of(any::<String>()), option::of(kind));
    prop_oneof![
        any::<String>().prop_map(UserContent::Text),
        tap.prop_map(|(postback_data, text, suggestion_type)| {
            UserContent::SuggestionResponse(SuggestionResponse {
                postback_data,
                text,
                suggestion_type,
            })
        }),
        place().prop_map(UserContent::Location),
        (file_info(), option::of(file_info()))
            .prop_map(|(payload, thumbnail)| UserContent::UserFile(UserFile { payload, thumbnail })),
    ]
    .boxed()
}

fn user_message() -> BoxedStrategy<UserMessage> {
    let message_id = prop_oneof![
        id().prop_map(UserMessageId::Message),
        id().prop_map(UserMessageId::Event)
    ];
    let classification =
        (option::of("[A-Z_]{1,20}"), option::of(any::<u32>())).prop_map(|(classification_type, segment_count)| {
            RichMessageClassification {
                classification_type,
                segment_count,
            }
        });
    (
        agent_id(),
        msisdn(),
        message_id,
        option::of(time()),
        user_content(),
        option::of(classification),
        option::of(id()),
    )
        .prop_map(
            |(agent_id, sender_phone_number, id, send_time, content, classification, carrier)| UserMessage {
                agent_id,
                sender_phone_number,
                id,
                send_time,
                content,
                rich_message_classification: classification,
                carrier,
            },
        )
        .boxed()
}

fn user_event() -> BoxedStrategy<UserEvent> {
    let event = prop_oneof![
        id().prop_map(|message_id| UserEventType::Delivered { message_id }),
        id().prop_map(|message_id| UserEventType::Read { message_id }),
        Just(UserEventType::IsTyping),
        Just(UserEventType::Subscribe),
        Just(UserEventType::Unsubscribe),
        ("[a-z]{1,9}", option::of(id()))
            .prop_map(|(event_type, message_id)| UserEventType::Other { event_type, message_id }),
    ];
    (agent_id(), msisdn(), event, id(), option::of(time()))
        .prop_map(
            |(agent_id, sender_phone_number, event, event_id, send_time)| UserEvent {
                agent_id,
                sender_phone_number,
                event,
                event_id,
                send_time,
            },
        )
        .boxed()
}

fn server_event() -> BoxedStrategy<ServerEvent> {
    let event = prop_oneof![
        Just(ServerEventType::TtlExpirationRevoked),
        Just(ServerEventType::TtlExpirationRevokeFailed),
        "[a-z]{1,9}".prop_map(ServerEventType::Other),
    ];
    (agent_id(), msisdn(), id(), event, id(), option::of(time()))
        .prop_map(
            |(agent_id, phone_number, message_id, event, event_id, send_time)| ServerEvent {
                agent_id,
                phone_number,
                message_id,
                event,
                event_id,
                send_time,
            },
        )
        .boxed()
}

fn launch_event() -> BoxedStrategy<LaunchEvent> {
    let state = || {
        prop_oneof![
            Just(LaunchState::Pending),
            Just(LaunchState::Launched),
            Just(LaunchState::Suspended),
            "[a-z]{1,9}".prop_map(LaunchState::Other)
        ]
    };
    let word = || option::of(any::<String>());
    let words = (word(), word(), word(), word(), word(), word(), word());
    (agent_id(), option::of(state()), state(), words, option::of(time()))
        .prop_map(
            |(agent_id, old_launch_state, new_launch_state, words, send_time)| LaunchEvent {
                agent_id,
                event_id: words.0,
                bot_display_name: words.1,
                brand_id: words.2,
                brand_display_name: words.3,
                region_id: words.4,
                old_launch_state,
                new_launch_state,
                acting_party: words.5,
                comment: words.6,
                send_time,
            },
        )
        .boxed()
}

/// Any payload of a known kind.
pub(crate) fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        user_message().prop_map(Payload::UserMessage),
        user_event().prop_map(Payload::UserEvent),
        server_event().prop_map(Payload::ServerEvent),
        launch_event().prop_map(Payload::LaunchEvent),
    ]
}
