//! Chinese in simplified characters.

use super::{Dates, Errors, Texts, error};

/// Chinese in simplified characters.
pub(super) static CHINESE_SIMPLIFIED: Texts<'static> = Texts {
    lang: "zh-CN",
    dir: "ltr",
    dates: Dates {
        months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
        first: "1",
        pattern: "{year}年{month}{day}日",
    },
    an_app: "该应用",
    an_app_you_used: "您使用过的一个应用",
    a_provider: "登录服务提供方",
    back_to: "返回 {app}",
    choose_again: "选择其他登录方式",

    chooser_window: "登录 {app}",
    chooser_title: "登录",
    chooser_lead: "请选择登录 {app} 的方式。",
    chooser_continue: "使用 {provider} 继续",
    chooser_sign_in: "使用 {provider} 登录",
    chooser_last_used: "上次使用",
    chooser_trouble: "目前出现问题",
    chooser_returns: "之后您将返回 {place}。",
    chooser_email: "电子邮件地址",
    chooser_email_next: "继续",
    chooser_or: "或",
    chooser_choose: "请选择继续的方式。",

    onward_title: "正在前往 {provider}",
    onward_hint: "您将在那里登录，然后返回此处。如果没有反应，请使用按钮。",
    onward_open: "前往 {provider}",

    signed_out_title: "您已退出登录",
    signed_out_what: "您在此处的会话已结束。",
    signed_out_told: "以下应用会收到通知，并同样让您退出登录：",
    signed_out_also: "您使用过的应用和登录服务可能仍处于登录状态。如果使用的是公用计算机，请同时退出它们。",
    signed_out_going: "即将返回应用。",

    logout_title: "要退出登录吗？",
    logout_lead: "此请求来自 {app}。对于此浏览器中依赖此会话的所有应用，您在此处的会话都将结束。",
    logout_yes: "退出登录",
    logout_no: "保持登录",
    logout_or_close: "如要保持登录，请关闭此页面。",

    return_title: "正在返回 {app}",
    return_hint: "浏览器可能会请求您允许打开该应用。如果没有反应，请使用按钮。",
    return_open: "打开 {app}",

    account_title: "登录方式",
    account_person: "您当前以 {person} 的身份登录。",
    account_lead: "以下每种方式都会登录到同一个账号。",
    account_first_sign_in: "添加于 {date}（首次登录时）",
    account_by_person: "由您添加于 {date}",
    account_by_email: "添加于 {date}（电子邮件地址相同）",
    account_last_used: "上次使用：{date}",
    account_remove: "移除 {provider}",
    account_remove_sure: "您将无法再使用 {provider} 登录，通过它访问的应用可能会让您退出登录。",
    account_remove_yes: "是，移除 {provider}",
    account_only: "这是您唯一的登录方式，因此无法移除。如要更换，请先添加另一种方式。",
    account_add_title: "添加其他方式",
    account_add: "添加 {provider}",
    account_current: "当前使用",
    account_added: "已添加登录方式。您现在可以使用它。",
    account_removed: "已移除登录方式。它将无法再使用。",
    account_stale: "此页面打开时间过长，因此未作任何更改。请重试。",
    account_again: "如要添加或移除登录方式，请再次登录，以确认是您本人操作。",
    account_back: "返回登录方式",

    again_title: "请先重新登录",
    again_why: "您即将更改此账号的登录方式。为确认是您本人操作，请再次登录。",
    again_yes: "重新登录",
    again_no: "暂不",

    error_reference: "参考编号",
    error_time: "时间",
    error_developer: "供应用开发者参考",

    help: "帮助",
    privacy: "隐私",
    footer: "",

    unrenderable: "我们这边出现了问题。请重试。",

    errors: Errors {
        client_unknown: error(
            "此应用未注册",
            "您打开的链接指向一个此登录服务不认识的应用。",
            "请返回该应用并重试。如果问题再次出现，请将下方的参考编号发送给该应用的运营方。",
        ),
        redirect_mismatch: error(
            "返回地址不匹配",
            "{app} 要求将您转到一个未为其注册的地址，因此我们在提供任何信息之前已停止操作。",
            "您无法自行解决此问题。请将下方的参考编号发送给该应用的运营方。",
        ),
        request_invalid: error(
            "此登录请求无效",
            "{app} 发送了我们无法接受的请求。",
            "请返回该应用并重试。如果问题再次出现，请将下方的参考编号发送给该应用的运营方。",
        ),
        request_expired: error(
            "此次登录已过期",
            "此次登录用时过长、已被使用，或在与开始时不同的浏览器中打开。",
            "请返回 {app} 并重新登录。",
        ),
        cookies_blocked: error(
            "Cookie 已被阻止",
            "您的浏览器没有保存将此次登录与您关联的 Cookie，因此我们无法确认这是您的登录。",
            "请允许此网站使用 Cookie，然后返回 {app} 并重新登录。",
        ),
        person_declined: error("登录已取消", "{provider} 表示您选择了不继续，因此您尚未登录。", "请返回 {app} 重试，或选择其他登录方式。"),
        upstream_unavailable: error(
            "无法连接 {provider}",
            "我们请求 {provider} 为您登录，但没有收到可用的响应。",
            "请稍候片刻，然后返回 {app} 重试，或选择其他登录方式。",
        ),
        upstream_invalid: error(
            "未能登录",
            "{provider} 的响应没有通过我们的检查，因此我们没有采信。",
            "请返回 {app} 并重试。如果问题再次出现，请将下方的参考编号发送给管理员。",
        ),
        upstream_misconfigured: error(
            "此登录方式未正确设置",
            "{provider} 拒绝与此登录服务协作，只有管理员才能更改。",
            "请选择其他登录方式，或将下方的参考编号发送给管理员。",
        ),
        provider_paused: error(
            "{provider} 目前出现问题",
            "使用 {provider} 登录已连续多次失败，因此我们将其暂停片刻。",
            "请选择其他登录方式，或在几分钟后重试。",
        ),
        email_not_verified: error(
            "您的电子邮件地址未经验证",
            "{provider} 尚未确认该电子邮件地址属于您，而在此处登录需要经过确认。",
            "请先在 {provider} 验证您的地址，然后返回 {app} 并重新登录。",
        ),
        not_allowed: error(
            "您没有访问权限",
            "我们已确认您的身份，但此处的规则不允许此账号访问 {app}。",
            "请尝试其他账号，或将下方的参考编号发送给管理员以申请访问权限。",
        ),
        link_taken: error(
            "此账号已在此处使用",
            "此 {provider} 账号已被他人用于登录，因此无法添加到您的账号。",
            "未作任何更改。请选择其他账号，或将下方的参考编号发送给管理员。",
        ),
        account_disabled: error("此账号已停用", "管理员已停用此账号的登录。", "如果您认为这是误操作，请将下方的参考编号发送给管理员。"),
        clock_skew: error(
            "时间不一致",
            "{provider} 的时间与此处的时间相差过大，无法安全登录。",
            "请在几分钟后重试。如果问题再次出现，请将下方的参考编号发送给管理员。",
        ),
        unavailable: error("目前无法登录", "此服务的一部分不可用，在恢复之前我们不允许任何人登录。", "请稍候片刻，然后返回 {app} 并重试。"),
        internal: error(
            "我们这边出现了问题",
            "此服务的故障中断了您的请求。",
            "请返回 {app} 并重试。如果问题再次出现，请将下方的参考编号发送给管理员。",
        ),
        not_found: error("此页面不存在", "地址可能输入有误或已过期。", "如要登录，请从您想使用的应用开始。"),
        method_not_allowed: error("此页面不支持这种方式", "该请求使用了此地址不接受的方法。", "如要登录，请从您想使用的应用开始。"),
        too_many_requests: error("请求过多", "您的网络在短时间内发送的请求超过了我们可接受的数量。", "请稍候，然后重试。"),
        logout_invalid: error(
            "此退出请求无效",
            "{app} 请求让您退出登录的方式我们无法接受，因此未作任何更改。",
            "请返回该应用并重试。如果问题再次出现，请将下方的参考编号发送给该应用的运营方。",
        ),
    },
};
