//! Korean. Particles depend on the sound before them, so a noun of ours stands between a name and its particle.

use super::{Dates, Errors, Texts, error};

/// Korean.
pub(super) static KOREAN: Texts<'static> = Texts {
    lang: "ko",
    dir: "ltr",
    dates: Dates {
        months: ["1월", "2월", "3월", "4월", "5월", "6월", "7월", "8월", "9월", "10월", "11월", "12월"],
        first: "1",
        pattern: "{year}년 {month} {day}일",
    },
    an_app: "",
    an_app_you_used: "사용하신",
    a_provider: "로그인",
    back_to: "{app} 앱으로 돌아가기",
    choose_again: "다른 로그인 방법 선택",

    chooser_window: "{app} 앱 로그인",
    chooser_title: "로그인",
    chooser_lead: "{app} 앱으로 계속할 방법을 선택하십시오.",
    chooser_continue: "{provider} 계정으로 계속",
    chooser_sign_in: "{provider} 계정으로 로그인",
    chooser_last_used: "최근 사용",
    chooser_trouble: "현재 문제 발생 중",
    chooser_returns: "이후 {place} 주소로 돌아갑니다.",
    chooser_email: "이메일 주소",
    chooser_email_next: "계속",
    chooser_or: "또는",
    chooser_choose: "계속할 방법을 선택하십시오.",

    onward_title: "{provider} 로그인 페이지로 이동합니다",
    onward_hint: "그곳에서 로그인하면 이 페이지로 돌아옵니다. 아무 일도 일어나지 않으면 버튼을 사용하십시오.",
    onward_open: "{provider} 로그인 페이지로 이동",

    signed_out_title: "로그아웃되었습니다",
    signed_out_what: "이곳의 세션이 종료되었습니다.",
    signed_out_told: "다음 앱에도 로그아웃이 통보됩니다:",
    signed_out_also: "사용하신 앱과 로그인 서비스에는 아직 로그인되어 있을 수 있습니다. 공용 컴퓨터라면 그곳에서도 로그아웃하십시오.",
    signed_out_going: "잠시 후 앱으로 돌아갑니다.",

    logout_title: "로그아웃하시겠습니까?",
    logout_lead: "{app} 앱에서 보낸 요청입니다. 이 브라우저에서 이 세션을 사용하는 모든 앱에 대해 이곳의 세션이 종료됩니다.",
    logout_yes: "로그아웃",
    logout_no: "로그인 상태 유지",
    logout_or_close: "로그인 상태를 유지하려면 이 페이지를 닫으십시오.",

    return_title: "{app} 앱으로 돌아갑니다",
    return_hint: "브라우저에서 앱을 열도록 허용할지 물을 수 있습니다. 아무 일도 일어나지 않으면 버튼을 사용하십시오.",
    return_open: "{app} 앱 열기",

    account_title: "로그인 방법",
    account_person: "현재 {person} 계정으로 로그인되어 있습니다.",
    account_lead: "어느 방법으로든 같은 계정에 로그인됩니다.",
    account_first_sign_in: "{date} 첫 로그인 시 추가됨",
    account_by_person: "{date} 직접 추가함",
    account_by_email: "{date} 이메일 주소가 같아서 추가됨",
    account_last_used: "마지막 사용: {date}",
    account_remove: "{provider} 제거",
    account_remove_sure: "더 이상 {provider} 계정으로 로그인할 수 없으며, 이 방법으로 사용하던 앱에서 로그아웃될 수 있습니다.",
    account_remove_yes: "예, {provider} 제거",
    account_only: "유일한 로그인 방법이므로 제거할 수 없습니다. 바꾸려면 먼저 다른 방법을 추가하십시오.",
    account_add_title: "다른 방법 추가",
    account_add: "{provider} 추가",
    account_current: "현재 사용 중",
    account_added: "로그인 방법이 추가되었습니다. 이제 사용할 수 있습니다.",
    account_removed: "로그인 방법이 제거되었습니다. 더 이상 사용할 수 없습니다.",
    account_stale: "이 페이지가 너무 오래 열려 있어 아무것도 변경하지 않았습니다. 다시 시도해 주십시오.",
    account_again: "로그인 방법을 추가하거나 제거하려면 본인 확인을 위해 한 번 더 로그인해 주십시오.",
    account_back: "로그인 방법으로 돌아가기",

    device_title: "기기 연결",
    device_lead: "기기에 표시된 코드를 입력하십시오.",
    device_compare: "기기에 이 코드가 표시되는지 확인하고, 일치하는 경우에만 계속하십시오.",
    device_code: "코드",
    device_unknown: "이 코드는 유효하지 않거나 만료되었습니다. 코드를 확인하거나 기기에 새 코드를 표시하십시오.",
    device_ask_title: "기기에서 {app} 앱에 로그인하시겠습니까?",
    device_warning: "앞에 있는 기기에서 직접 시작한 경우에만 허용하십시오. 다른 사람이 코드나 링크를 보냈다면 거부하십시오.",
    device_shows: "기기에 다음 코드가 표시되어야 합니다.",
    device_scopes: "허용하면 앱이 다음을 할 수 있습니다.",
    device_asked_at: "요청 시각",
    device_network: "요청한 네트워크",
    device_elsewhere: "현재 사용 중인 네트워크가 아닙니다.",
    device_allow: "허용",
    device_deny: "거부",
    device_allowed_title: "기기가 연결되었습니다",
    device_allowed: "기기로 돌아가십시오. 몇 초 안에 {app} 앱에 로그인됩니다.",
    device_denied_title: "기기를 거부했습니다",
    device_denied: "{app} 앱에 로그인되지 않았으며 아무것도 공유되지 않았습니다.",

    scope_profile: "이름과 프로필 보기",
    scope_email: "이메일 주소 보기",
    scope_groups: "속한 그룹 보기",
    scope_offline_access: "사용하지 않는 동안에도 로그인 상태 유지",

    again_title: "먼저 다시 로그인하십시오",
    again_why: "이 계정의 로그인 방법을 변경하려고 합니다. 본인 확인을 위해 한 번 더 로그인해 주십시오.",
    again_yes: "다시 로그인",
    again_no: "나중에",

    error_reference: "참조 번호",
    error_time: "시간",
    error_developer: "앱 개발자용 정보",

    help: "도움말",
    privacy: "개인정보 보호",
    footer: "",

    unrenderable: "서비스에 문제가 발생했습니다. 다시 시도해 주십시오.",

    errors: Errors {
        client_unknown: error(
            "등록되지 않은 앱입니다",
            "이용하신 링크의 앱은 이 로그인 서비스에 등록되어 있지 않습니다.",
            "앱으로 돌아가 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 앱 운영자에게 보내 주십시오.",
        ),
        redirect_mismatch: error(
            "돌아갈 주소가 일치하지 않습니다",
            "{app} 앱에서 등록되지 않은 주소로 이동하도록 요청하여, 정보를 전달하기 전에 중단했습니다.",
            "직접 해결하실 수 없는 문제입니다. 아래 참조 번호를 앱 운영자에게 보내 주십시오.",
        ),
        request_invalid: error(
            "로그인 요청이 올바르지 않습니다",
            "{app} 앱에서 받아들일 수 없는 요청을 보냈습니다.",
            "앱으로 돌아가 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 앱 운영자에게 보내 주십시오.",
        ),
        request_expired: error(
            "로그인이 만료되었습니다",
            "시간이 너무 오래 걸렸거나, 이미 사용되었거나, 시작한 브라우저와 다른 브라우저에서 열렸습니다.",
            "{app} 앱으로 돌아가 다시 로그인하십시오.",
        ),
        cookies_blocked: error(
            "쿠키가 차단되었습니다",
            "이 로그인을 사용자와 연결하는 쿠키가 브라우저에 저장되지 않아 본인의 로그인인지 확인할 수 없습니다.",
            "이 사이트의 쿠키를 허용한 다음 {app} 앱으로 돌아가 다시 로그인하십시오.",
        ),
        person_declined: error(
            "로그인이 취소되었습니다",
            "계속하지 않기로 선택하셨다고 {provider} 서비스에서 알려 왔으므로 로그인되지 않았습니다.",
            "{app} 앱으로 돌아가 다시 시도하거나 다른 로그인 방법을 선택하십시오.",
        ),
        upstream_unavailable: error(
            "{provider} 서비스에 연결할 수 없습니다",
            "{provider} 서비스에 로그인을 요청했으나 유효한 응답을 받지 못했습니다.",
            "잠시 기다린 후 {app} 앱으로 돌아가 다시 시도하거나 다른 로그인 방법을 선택하십시오.",
        ),
        upstream_invalid: error(
            "로그인할 수 없습니다",
            "{provider} 서비스의 응답이 검사를 통과하지 못하여 받아들이지 않았습니다.",
            "{app} 앱으로 돌아가 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        upstream_misconfigured: error(
            "이 로그인 방법이 올바르게 설정되지 않았습니다",
            "{provider} 서비스에서 이 로그인 서비스와의 연동을 거부했으며, 관리자만 이를 바꿀 수 있습니다.",
            "다른 로그인 방법을 선택하거나 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        provider_paused: error(
            "{provider} 서비스에 현재 문제가 있습니다",
            "{provider} 서비스를 통한 로그인이 여러 번 연속으로 실패하여 잠시 중단했습니다.",
            "다른 로그인 방법을 선택하거나 몇 분 후 다시 시도하십시오.",
        ),
        email_not_verified: error(
            "이메일 주소가 확인되지 않았습니다",
            "{provider} 서비스에서 이메일 주소가 본인의 것임을 확인하지 않았으며, 이곳에 로그인하려면 확인이 필요합니다.",
            "{provider} 서비스에서 주소를 확인한 다음 {app} 앱으로 돌아가 다시 로그인하십시오.",
        ),
        not_allowed: error(
            "접근 권한이 없습니다",
            "본인임은 확인했으나, 규칙에 따라 이 계정으로는 {app} 앱을 사용할 수 없습니다.",
            "다른 계정으로 시도하거나, 아래 참조 번호를 관리자에게 보내 접근 권한을 요청하십시오.",
        ),
        link_taken: error(
            "이미 사용 중인 계정입니다",
            "이 {provider} 계정은 이미 다른 사람의 로그인에 사용되고 있어 추가할 수 없습니다.",
            "아무것도 변경되지 않았습니다. 다른 계정을 선택하거나 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        account_disabled: error(
            "사용이 중지된 계정입니다",
            "관리자가 이 계정의 로그인을 중지했습니다.",
            "착오라고 생각되면 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        clock_skew: error(
            "시각이 일치하지 않습니다",
            "{provider} 서비스의 시각과 이곳의 시각이 너무 달라 안전하게 로그인할 수 없습니다.",
            "몇 분 후 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        unavailable: error(
            "현재 로그인할 수 없습니다",
            "이 서비스의 일부를 사용할 수 없어 아무도 로그인할 수 없습니다.",
            "잠시 기다린 후 {app} 앱으로 돌아가 다시 시도하십시오.",
        ),
        internal: error(
            "서비스에 문제가 발생했습니다",
            "이 서비스의 오류로 요청이 중단되었습니다.",
            "{app} 앱으로 돌아가 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 관리자에게 보내 주십시오.",
        ),
        not_found: error(
            "존재하지 않는 페이지입니다",
            "주소를 잘못 입력했거나 오래된 주소일 수 있습니다.",
            "로그인하려면 사용하려는 앱에서 시작하십시오.",
        ),
        method_not_allowed: error(
            "이 페이지는 그런 방식으로 사용할 수 없습니다",
            "이 주소에서 허용하지 않는 메서드가 요청에 사용되었습니다.",
            "로그인하려면 사용하려는 앱에서 시작하십시오.",
        ),
        too_many_requests: error(
            "요청이 너무 많습니다",
            "사용 중인 네트워크에서 짧은 시간에 허용량보다 많은 요청을 보냈습니다.",
            "잠시 기다린 후 다시 시도하십시오.",
        ),
        logout_invalid: error(
            "로그아웃 요청이 올바르지 않습니다",
            "{app} 앱에서 받아들일 수 없는 방식으로 로그아웃을 요청하여 아무것도 변경하지 않았습니다.",
            "앱으로 돌아가 다시 시도하십시오. 문제가 반복되면 아래 참조 번호를 앱 운영자에게 보내 주십시오.",
        ),
    },
};
