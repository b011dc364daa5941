//! The locking shift tables: what a septet is without an escape before it (3GPP TS 23.038 §6.2.1, §A.3).
//!
//! A line is a row of sixteen codes; `�` stands where the table has nothing. The place of the escape, 0x1B, holds a space,
//! which is how an escape before an escape is shown. Marks that join the letter before them, and letters that are
//! written from the right, stand as code points.

use super::Rows;

/// The default alphabet, §6.2.1.
pub(super) const DEFAULT: Rows = [
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ",  //
    " !\"#¤%&'()*+,-./", //
    "0123456789:;<=>?",  //
    "¡ABCDEFGHIJKLMNO",  //
    "PQRSTUVWXYZÄÖÑÜ§",  //
    "¿abcdefghijklmno",  //
    "pqrstuvwxyzäöñüà",  //
];

/// Turkish, §A.3.1.
pub(super) const TURKISH: Rows = [
    "@£$¥€éùıòÇ\nĞğ\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ ŞşßÉ",  //
    " !\"#¤%&'()*+,-./", //
    "0123456789:;<=>?",  //
    "İABCDEFGHIJKLMNO",  //
    "PQRSTUVWXYZÄÖÑÜ§",  //
    "çabcdefghijklmno",  //
    "pqrstuvwxyzäöñüà",  //
];

/// Portuguese, §A.3.3.
pub(super) const PORTUGUESE: Rows = [
    "@£$¥êéúíóç\nÔô\rÁá",
    "Δ_ªÇÀ∞^\\€Ó| ÂâÊÉ", //
    " !\"#º%&'()*+,-./", //
    "0123456789:;<=>?",  //
    "ÍABCDEFGHIJKLMNO",  //
    "PQRSTUVWXYZÃÕÚÜ§",  //
    "~abcdefghijklmno",  //
    "pqrstuvwxyzãõ`üà",  //
];

/// Bengali and Assamese, §A.3.4.
pub(super) const BENGALI: Rows = [
    "\u{981}\u{982}\u{983}অআইঈউঊঋ\nঌ�\r�এ",
    "ঐ��ওঔকখগঘঙচ ছজঝঞ",       //
    " !টঠডঢণত)(থদ,ধ.ন",       //
    "0123456789:;�পফ?",       //
    "বভমযর�ল���শষসহ\u{9BC}ঽ", //
    "\u{9BE}\u{9BF}\u{9C0}\u{9C1}\u{9C2}\u{9C3}\u{9C4}��\u{9C7}\u{9C8}��\u{9CB}\u{9CC}\u{9CD}",
    "ৎabcdefghijklmno",       //
    "pqrstuvwxyz\u{9D7}ড়ঢ়ৰৱ", //
];

/// Gujarati, §A.3.5.
pub(super) const GUJARATI: Rows = [
    "\u{A81}\u{A82}\u{A83}અઆઇઈઉઊઋ\nઌઍ\r�એ",
    "ઐઑ�ઓઔકખગઘઙચ છજઝઞ",       //
    " !ટઠડઢણત)(થદ,ધ.ન",       //
    "0123456789:;�પફ?",       //
    "બભમયર�લળ�વશષસહ\u{ABC}ઽ", //
    "\u{ABE}\u{ABF}\u{AC0}\u{AC1}\u{AC2}\u{AC3}\u{AC4}\u{AC5}�\u{AC7}\u{AC8}\u{AC9}�\u{ACB}\u{ACC}\u{ACD}",
    "ૐabcdefghijklmno",             //
    "pqrstuvwxyzૠૡ\u{AE2}\u{AE3}૱", //
];

/// Hindi, §A.3.6.
pub(super) const HINDI: Rows = [
    "\u{901}\u{902}\u{903}अआइईउऊऋ\nऌऍ\rऎए",
    "ऐऑऒओऔकखगघङच छजझञ",       //
    " !टठडढणत)(थद,ध.न",       //
    "0123456789:;ऩपफ?",       //
    "बभमयरऱलळऴवशषसह\u{93C}ऽ", //
    "\u{93E}\u{93F}\u{940}\u{941}\u{942}\u{943}\u{944}\u{945}\u{946}\u{947}\u{948}\u{949}\u{94A}\u{94B}\u{94C}\u{94D}",
    "ॐabcdefghijklmno",
    "pqrstuvwxyzॲॻॼॾॿ",
];

/// Kannada, §A.3.7.
pub(super) const KANNADA: Rows = [
    "�\u{C82}\u{C83}ಅಆಇಈಉಊಋ\nಌ�\rಎಏ",
    "ಐ�ಒಓಔಕಖಗಘಙಚ ಛಜಝಞ",       //
    " !ಟಠಡಢಣತ)(ಥದ,ಧ.ನ",       //
    "0123456789:;�ಪಫ?",       //
    "ಬಭಮಯರಱಲಳ�ವಶಷಸಹ\u{CBC}ಽ", //
    "\u{CBE}\u{CBF}\u{CC0}\u{CC1}\u{CC2}\u{CC3}\u{CC4}�\u{CC6}\u{CC7}\u{CC8}�\u{CCA}\u{CCB}\u{CCC}\u{CCD}",
    "\u{CD5}abcdefghijklmno", //
    "pqrstuvwxyz\u{CD6}ೠೡ\u{CE2}\u{CE3}",
];

/// Malayalam, §A.3.8.
pub(super) const MALAYALAM: Rows = [
    "�\u{D02}\u{D03}അആഇഈഉഊഋ\nഌ�\rഎഏ",
    "ഐ�ഒഓഔകഖഗഘങച ഛജഝഞ", //
    " !ടഠഡഢണത)(ഥദ,ധ.ന", //
    "0123456789:;�പഫ?", //
    "ബഭമയരറലളഴവശഷസഹ�ഽ", //
    "\u{D3E}\u{D3F}\u{D40}\u{D41}\u{D42}\u{D43}\u{D44}�\u{D46}\u{D47}\u{D48}�\u{D4A}\u{D4B}\u{D4C}\u{D4D}",
    "\u{D57}abcdefghijklmno",       //
    "pqrstuvwxyzൠൡ\u{D62}\u{D63}൹", //
];

/// Oriya, §A.3.9.
pub(super) const ORIYA: Rows = [
    "\u{B01}\u{B02}\u{B03}ଅଆଇଈଉଊଋ\nଌ�\r�ଏ",
    "ଐ��ଓଔକଖଗଘଙଚ ଛଜଝଞ",       //
    " !ଟଠଡଢଣତ)(ଥଦ,ଧ.ନ",       //
    "0123456789:;�ପଫ?",       //
    "ବଭମଯର�ଲଳ�ଵଶଷସହ\u{B3C}ଽ", //
    "\u{B3E}\u{B3F}\u{B40}\u{B41}\u{B42}\u{B43}\u{B44}��\u{B47}\u{B48}��\u{B4B}\u{B4C}\u{B4D}",
    "\u{B56}abcdefghijklmno",             //
    "pqrstuvwxyz\u{B57}ୠୡ\u{B62}\u{B63}", //
];

/// Punjabi, §A.3.10.
pub(super) const PUNJABI: Rows = [
    "\u{A01}\u{A02}\u{A03}ਅਆਇਈਉਊ�\n��\r�ਏ", //
    "ਐ��ਓਔਕਖਗਘਙਚ ਛਜਝਞ",                     //
    " !ਟਠਡਢਣਤ)(ਥਦ,ਧ.ਨ",                     //
    "0123456789:;�ਪਫ?",                     //
    "ਬਭਮਯਰ�ਲਲ਼�ਵਸ਼�ਸਹ\u{A3C}�",               //
    "\u{A3E}\u{A3F}\u{A40}\u{A41}\u{A42}����\u{A47}\u{A48}��\u{A4B}\u{A4C}\u{A4D}",
    "\u{A51}abcdefghijklmno",       //
    "pqrstuvwxyz\u{A70}\u{A71}ੲੳੴ", //
];

/// Tamil, §A.3.11.
pub(super) const TAMIL: Rows = [
    "�\u{B82}ஃஅஆஇஈஉஊ�\n��\rஎஏ", //
    "ஐ�ஒஓஔக���ஙச �ஜ�ஞ",         //
    " !ட���ணத)(��,�.ந",         //
    "0123456789:;னப�?",         //
    "��மயரறலளழவஶஷஸஹ��",         //
    "\u{BBE}\u{BBF}\u{BC0}\u{BC1}\u{BC2}���\u{BC6}\u{BC7}\u{BC8}�\u{BCA}\u{BCB}\u{BCC}\u{BCD}",
    "ௐabcdefghijklmno",       //
    "pqrstuvwxyz\u{BD7}௰௱௲௹", //
];

/// Telugu, §A.3.12.
pub(super) const TELUGU: Rows = [
    "\u{C01}\u{C02}\u{C03}అఆఇఈఉఊఋ\nఌ�\rఎఏ",
    "ఐ�ఒఓఔకఖగఘఙచ ఛజఝఞ", //
    " !టఠడఢణత)(థద,ధ.న", //
    "0123456789:;�పఫ?", //
    "బభమయరఱలళ�వశషసహ�ఽ", //
    "\u{C3E}\u{C3F}\u{C40}\u{C41}\u{C42}\u{C43}\u{C44}�\u{C46}\u{C47}\u{C48}�\u{C4A}\u{C4B}\u{C4C}\u{C4D}",
    "\u{C55}abcdefghijklmno",             //
    "pqrstuvwxyz\u{C56}ౠౡ\u{C62}\u{C63}", //
];

/// Urdu, §A.3.13.
pub(super) const URDU: Rows = [
    "\u{627}\u{622}\u{628}\u{67B}\u{680}\u{67E}\u{6A6}\u{62A}\u{6C2}\u{67F}\n\u{679}\u{67D}\r\u{67A}\u{67C}",
    "\u{62B}\u{62C}\u{681}\u{684}\u{683}\u{685}\u{686}\u{687}\u{62D}\u{62E}\u{62F} \u{68C}\u{688}\u{689}\u{68A}",
    " !\u{68F}\u{68D}\u{630}\u{631}\u{691}\u{693})(\u{699}\u{632},\u{696}.\u{698}", //
    "0123456789:;\u{69A}\u{633}\u{634}?",                                           //
    "\u{635}\u{636}\u{637}\u{638}\u{639}\u{641}\u{642}\u{6A9}\u{6AA}\u{6AB}\u{6AF}\u{6B3}\u{6B1}\u{644}\u{645}\u{646}",
    "\u{6BA}\u{6BB}\u{6BC}\u{648}\u{6C4}\u{6D5}\u{6C1}\u{6BE}\u{621}\u{6CC}\u{6D0}\u{6D2}\u{64D}\u{650}\u{64F}\u{657}",
    "\u{654}abcdefghijklmno", //
    "pqrstuvwxyz\u{655}\u{651}\u{653}\u{656}\u{670}",
];
