//! Chinese in traditional characters, as written in Taiwan.

use super::{Dates, Errors, Texts, error};

/// Chinese in traditional characters, as written in Taiwan.
pub(super) static CHINESE_TRADITIONAL: Texts<'static> = Texts {
    lang: "zh-TW",
    dir: "ltr",
    dates: Dates {
        months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
        first: "1",
        pattern: "{year}年{month}{day}日",
    },
    an_app: "該應用程式",
    an_app_you_used: "您使用過的一個應用程式",
    a_provider: "登入服務供應商",
    back_to: "返回 {app}",
    choose_again: "選擇其他登入方式",

    chooser_window: "登入 {app}",
    chooser_title: "登入",
    chooser_lead: "請選擇登入 {app} 的方式。",
    chooser_continue: "使用 {provider} 繼續",
    chooser_sign_in: "使用 {provider} 登入",
    chooser_last_used: "上次使用",
    chooser_trouble: "目前發生問題",
    chooser_returns: "之後您將返回 {place}。",
    chooser_email: "電子郵件地址",
    chooser_email_next: "繼續",
    chooser_or: "或",
    chooser_choose: "請選擇繼續的方式。",

    onward_title: "正在前往 {provider}",
    onward_hint: "您將在該處登入，然後返回此處。如果沒有反應，請使用按鈕。",
    onward_open: "前往 {provider}",

    signed_out_title: "您已登出",
    signed_out_what: "您在此處的工作階段已結束。",
    signed_out_told: "下列應用程式會收到通知，並同樣將您登出：",
    signed_out_also: "您使用過的應用程式與登入服務可能仍為登入狀態。若使用共用電腦，請一併登出。",
    signed_out_going: "即將返回應用程式。",

    logout_title: "要登出嗎？",
    logout_lead: "此要求來自 {app}。對於此瀏覽器中使用此工作階段的所有應用程式，您在此處的工作階段都將結束。",
    logout_yes: "登出",
    logout_no: "保持登入",
    logout_or_close: "若要保持登入，請關閉此頁面。",

    return_title: "正在返回 {app}",
    return_hint: "瀏覽器可能會要求您允許開啟該應用程式。如果沒有反應，請使用按鈕。",
    return_open: "開啟 {app}",

    account_title: "登入方式",
    account_person: "您目前以 {person} 的身分登入。",
    account_lead: "以下每種方式都會登入同一個帳號。",
    account_first_sign_in: "新增於 {date}（首次登入時）",
    account_by_person: "由您新增於 {date}",
    account_by_email: "新增於 {date}（電子郵件地址相同）",
    account_last_used: "上次使用：{date}",
    account_remove: "移除 {provider}",
    account_remove_sure: "您將無法再使用 {provider} 登入，透過它存取的應用程式可能會將您登出。",
    account_remove_yes: "是，移除 {provider}",
    account_only: "這是您唯一的登入方式，因此無法移除。若要更換，請先新增另一種方式。",
    account_add_title: "新增其他方式",
    account_add: "新增 {provider}",
    account_current: "目前使用",
    account_added: "已新增登入方式。您現在可以使用它。",
    account_removed: "已移除登入方式。它將無法再使用。",
    account_stale: "此頁面開啟時間過長，因此未作任何變更。請再試一次。",
    account_again: "若要新增或移除登入方式，請再次登入，以確認是您本人操作。",
    account_back: "返回登入方式",

    again_title: "請先重新登入",
    again_why: "您即將變更此帳號的登入方式。為確認是您本人操作，請再次登入。",
    again_yes: "重新登入",
    again_no: "暫時不要",

    error_reference: "參考編號",
    error_time: "時間",
    error_developer: "供應用程式開發人員參考",

    help: "說明",
    privacy: "隱私權",
    footer: "",

    unrenderable: "我們這邊發生問題。請再試一次。",

    errors: Errors {
        client_unknown: error(
            "此應用程式未註冊",
            "您開啟的連結指向此登入服務不認識的應用程式。",
            "請返回該應用程式並再試一次。若問題再次發生，請將下方的參考編號傳送給該應用程式的營運單位。",
        ),
        redirect_mismatch: error(
            "返回位址不相符",
            "{app} 要求將您導向未為其註冊的位址，因此我們在提供任何資訊之前已停止。",
            "您無法自行解決此問題。請將下方的參考編號傳送給該應用程式的營運單位。",
        ),
        request_invalid: error(
            "此登入要求無效",
            "{app} 傳送了我們無法接受的要求。",
            "請返回該應用程式並再試一次。若問題再次發生，請將下方的參考編號傳送給該應用程式的營運單位。",
        ),
        request_expired: error(
            "此次登入已逾期",
            "此次登入耗時過長、已被使用，或在與開始時不同的瀏覽器中開啟。",
            "請返回 {app} 並重新登入。",
        ),
        cookies_blocked: error(
            "Cookie 已遭封鎖",
            "您的瀏覽器沒有保留將此次登入與您連結的 Cookie，因此我們無法確認這是您的登入。",
            "請允許此網站使用 Cookie，然後返回 {app} 並重新登入。",
        ),
        person_declined: error(
            "登入已取消",
            "{provider} 表示您選擇不繼續，因此您尚未登入。",
            "請返回 {app} 再試一次，或選擇其他登入方式。",
        ),
        upstream_unavailable: error(
            "無法連線至 {provider}",
            "我們請 {provider} 為您登入，但沒有收到可用的回應。",
            "請稍候片刻，然後返回 {app} 再試一次，或選擇其他登入方式。",
        ),
        upstream_invalid: error(
            "無法登入",
            "{provider} 的回應未通過我們的檢查，因此我們未予採信。",
            "請返回 {app} 並再試一次。若問題再次發生，請將下方的參考編號傳送給管理員。",
        ),
        upstream_misconfigured: error(
            "此登入方式未正確設定",
            "{provider} 拒絕與此登入服務合作，只有管理員能夠變更。",
            "請選擇其他登入方式，或將下方的參考編號傳送給管理員。",
        ),
        provider_paused: error(
            "{provider} 目前發生問題",
            "使用 {provider} 登入已連續多次失敗，因此我們將其暫停片刻。",
            "請選擇其他登入方式，或在幾分鐘後再試一次。",
        ),
        email_not_verified: error(
            "您的電子郵件地址未經驗證",
            "{provider} 尚未確認該電子郵件地址屬於您，而在此處登入需要經過確認。",
            "請先在 {provider} 驗證您的地址，然後返回 {app} 並重新登入。",
        ),
        not_allowed: error(
            "您沒有存取權限",
            "我們已確認您的身分，但此處的規則不允許此帳號存取 {app}。",
            "請嘗試其他帳號，或將下方的參考編號傳送給管理員以申請存取權限。",
        ),
        link_taken: error(
            "此帳號已在此處使用",
            "此 {provider} 帳號已由他人用於登入，因此無法新增至您的帳號。",
            "未作任何變更。請選擇其他帳號，或將下方的參考編號傳送給管理員。",
        ),
        account_disabled: error("此帳號已停用", "管理員已停用此帳號的登入。", "若您認為這是錯誤，請將下方的參考編號傳送給管理員。"),
        clock_skew: error(
            "時間不一致",
            "{provider} 的時間與此處的時間相差過大，無法安全登入。",
            "請在幾分鐘後再試一次。若問題再次發生，請將下方的參考編號傳送給管理員。",
        ),
        unavailable: error(
            "目前無法登入",
            "此服務的一部分無法使用，在恢復之前我們不允許任何人登入。",
            "請稍候片刻，然後返回 {app} 並再試一次。",
        ),
        internal: error(
            "我們這邊發生問題",
            "此服務的故障中斷了您的要求。",
            "請返回 {app} 並再試一次。若問題再次發生，請將下方的參考編號傳送給管理員。",
        ),
        not_found: error("此頁面不存在", "網址可能輸入錯誤或已過時。", "若要登入，請從您想使用的應用程式開始。"),
        method_not_allowed: error("此頁面不支援這種方式", "該要求使用了此網址不接受的方法。", "若要登入，請從您想使用的應用程式開始。"),
        too_many_requests: error("要求過多", "您的網路在短時間內傳送的要求超過我們可接受的數量。", "請稍候，然後再試一次。"),
        logout_invalid: error(
            "此登出要求無效",
            "{app} 要求將您登出的方式我們無法接受，因此未作任何變更。",
            "請返回該應用程式並再試一次。若問題再次發生，請將下方的參考編號傳送給該應用程式的營運單位。",
        ),
    },
};
