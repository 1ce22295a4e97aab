//! Japanese.

use super::{Dates, Errors, Texts, error};

/// Japanese.
pub(super) static JAPANESE: Texts<'static> = Texts {
    lang: "ja",
    dir: "ltr",
    dates: Dates {
        months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
        first: "1",
        pattern: "{year}年{month}{day}日",
    },
    an_app: "アプリ",
    an_app_you_used: "ご利用のアプリ",
    a_provider: "認証プロバイダー",
    back_to: "{app} に戻る",
    choose_again: "別の方法でサインインする",

    chooser_window: "{app} へのサインイン",
    chooser_title: "サインイン",
    chooser_lead: "{app} に進む方法を選択してください。",
    chooser_continue: "{provider} で続行",
    chooser_sign_in: "{provider} でサインイン",
    chooser_last_used: "前回使用",
    chooser_trouble: "現在障害が発生しています",
    chooser_returns: "その後、{place} に戻ります。",
    chooser_email: "メールアドレス",
    chooser_email_next: "次へ",
    chooser_or: "または",
    chooser_choose: "続行する方法を選択してください。",

    onward_title: "{provider} に移動します",
    onward_hint: "移動先でサインインすると、ここに戻ります。何も起こらない場合は、ボタンを使用してください。",
    onward_open: "{provider} に進む",

    signed_out_title: "サインアウトしました",
    signed_out_what: "ここでのセッションは終了しました。",
    signed_out_told: "次のアプリにもサインアウトが通知されます:",
    signed_out_also: "ご利用のアプリやプロバイダーには、まだサインインしたままの可能性があります。共用のコンピューターでは、それらからもサインアウトしてください。",
    signed_out_going: "まもなくアプリに戻ります。",

    logout_title: "サインアウトしますか？",
    logout_lead: "{app} からの要求です。ここでのセッションは、このブラウザーでそれを利用しているすべてのアプリについて終了します。",
    logout_yes: "サインアウト",
    logout_no: "サインインしたままにする",
    logout_or_close: "サインインしたままにするには、このページを閉じてください。",

    return_title: "{app} に戻ります",
    return_hint: "アプリを開く許可をブラウザーが求めることがあります。何も起こらない場合は、ボタンを使用してください。",
    return_open: "{app} を開く",

    account_title: "サインイン方法",
    account_person: "{person} としてサインインしています。",
    account_lead: "どの方法でも同じアカウントにサインインします。",
    account_first_sign_in: "{date}、初回サインイン時に追加",
    account_by_person: "{date}、ご自身で追加",
    account_by_email: "{date}、メールアドレスが一致したため追加",
    account_last_used: "最終使用日：{date}",
    account_remove: "{provider} を削除",
    account_remove_sure: "{provider} ではサインインできなくなります。また、この方法で利用していたアプリからサインアウトされることがあります。",
    account_remove_yes: "はい、{provider} を削除します",
    account_only: "唯一のサインイン方法のため、削除できません。変更するには、先に別の方法を追加してください。",
    account_add_title: "別の方法を追加",
    account_add: "{provider} を追加",
    account_current: "現在使用中",
    account_added: "サインイン方法を追加しました。今後、この方法を使用できます。",
    account_removed: "サインイン方法を削除しました。今後、この方法は使用できません。",
    account_stale: "このページが長時間開かれていたため、何も変更していません。もう一度お試しください。",
    account_again: "サインイン方法を追加または削除するには、ご本人確認のため、もう一度サインインしてください。",
    account_back: "サインイン方法に戻る",

    device_title: "デバイスを接続",
    device_lead: "デバイスに表示されているコードを入力してください。",
    device_compare: "デバイスにこのコードが表示されていることを確認し、一致する場合だけ続けてください。",
    device_code: "コード",
    device_unknown: "このコードは無効か、期限が切れています。コードを確認するか、デバイスに新しいコードを表示させてください。",
    device_ask_title: "デバイスで {app} にサインインしますか？",
    device_warning: "目の前にあるデバイスで、ご自身が始めた場合にのみ許可してください。コードやリンクがほかの人から送られてきた場合は、拒否してください。",
    device_shows: "デバイスに次のコードが表示されているはずです。",
    device_scopes: "許可すると、アプリは次のことができます。",
    device_asked_at: "要求日時",
    device_network: "要求元のネットワーク",
    device_elsewhere: "現在お使いのネットワークとは異なります。",
    device_allow: "許可",
    device_deny: "拒否",
    device_allowed_title: "デバイスが接続されました",
    device_allowed: "デバイスに戻ってください。数秒後に {app} にサインインします。",
    device_denied_title: "デバイスを拒否しました",
    device_denied: "{app} へのサインインは行われず、情報は共有されていません。",

    scope_profile: "名前とプロフィールの参照",
    scope_email: "メールアドレスの参照",
    scope_groups: "所属グループの参照",
    scope_offline_access: "使用していない間もサインインを維持",

    again_title: "もう一度サインインしてください",
    again_why: "このアカウントへのサインイン方法を変更しようとしています。ご本人であることを確認するため、もう一度サインインしてください。",
    again_yes: "もう一度サインイン",
    again_no: "後で",

    error_reference: "参照番号",
    error_time: "日時",
    error_developer: "アプリの開発者向け",

    help: "ヘルプ",
    privacy: "プライバシー",
    footer: "",

    unrenderable: "サービス側で問題が発生しました。もう一度お試しください。",

    errors: Errors {
        client_unknown: error(
            "このアプリは登録されていません",
            "リンクで指定されたアプリは、このサインインサービスに登録されていません。",
            "アプリに戻り、もう一度お試しください。再び発生する場合は、下記の参照番号をアプリの運営者にお送りください。",
        ),
        redirect_mismatch: error(
            "戻り先のアドレスが一致しません",
            "{app} が、登録されていないアドレスへの移動を要求したため、情報を渡す前に中止しました。",
            "お客様ご自身では解決できません。下記の参照番号をアプリの運営者にお送りください。",
        ),
        request_invalid: error(
            "サインインの要求が無効です",
            "{app} から、受け付けられない要求が送信されました。",
            "アプリに戻り、もう一度お試しください。再び発生する場合は、下記の参照番号をアプリの運営者にお送りください。",
        ),
        request_expired: error(
            "サインインの有効期限が切れました",
            "時間がかかりすぎたか、すでに使用されたか、開始したときとは別のブラウザーで開かれました。",
            "{app} に戻り、もう一度サインインしてください。",
        ),
        cookies_blocked: error(
            "Cookie がブロックされています",
            "このサインインをお客様と結び付ける Cookie がブラウザーに保存されなかったため、ご本人のものか確認できません。",
            "このサイトの Cookie を許可してから {app} に戻り、もう一度サインインしてください。",
        ),
        person_declined: error(
            "サインインはキャンセルされました",
            "続行しないことを選択されたと {provider} から通知されたため、サインインしていません。",
            "{app} に戻り、もう一度試すか、別の方法でサインインしてください。",
        ),
        upstream_unavailable: error(
            "{provider} に接続できません",
            "{provider} にサインインを依頼しましたが、有効な応答がありませんでした。",
            "少し待ってから {app} に戻ってもう一度試すか、別の方法でサインインしてください。",
        ),
        upstream_invalid: error(
            "サインインできませんでした",
            "{provider} からの応答が検証に合格しなかったため、受け入れませんでした。",
            "{app} に戻り、もう一度お試しください。再び発生する場合は、下記の参照番号を管理者にお送りください。",
        ),
        upstream_misconfigured: error(
            "このサインイン方法は正しく設定されていません",
            "{provider} がこのサインインサービスとの連携を拒否しました。変更できるのは管理者だけです。",
            "別の方法でサインインするか、下記の参照番号を管理者にお送りください。",
        ),
        provider_paused: error(
            "{provider} で現在障害が発生しています",
            "{provider} でのサインインが続けて失敗したため、しばらくの間停止しています。",
            "別の方法でサインインするか、数分後にもう一度お試しください。",
        ),
        email_not_verified: error(
            "メールアドレスが確認されていません",
            "メールアドレスがご本人のものであることを {provider} が確認していません。ここでのサインインにはその確認が必要です。",
            "{provider} でメールアドレスの確認を済ませてから {app} に戻り、もう一度サインインしてください。",
        ),
        not_allowed: error(
            "アクセス権がありません",
            "ご本人であることは確認できましたが、ルールにより、このアカウントでは {app} を利用できません。",
            "別のアカウントで試すか、下記の参照番号を管理者に送り、アクセス権を申請してください。",
        ),
        link_taken: error(
            "このアカウントはすでに使用されています",
            "この {provider} のアカウントは、すでに別の方のサインインに使用されているため、追加できません。",
            "何も変更されていません。別のアカウントを選択するか、下記の参照番号を管理者にお送りください。",
        ),
        account_disabled: error(
            "このアカウントは無効です",
            "管理者が、このアカウントでのサインインを無効にしました。",
            "誤りと思われる場合は、下記の参照番号を管理者にお送りください。",
        ),
        clock_skew: error(
            "時刻が一致しません",
            "{provider} の時刻とこちらの時刻の差が大きく、安全にサインインできません。",
            "数分後にもう一度お試しください。再び発生する場合は、下記の参照番号を管理者にお送りください。",
        ),
        unavailable: error(
            "現在サインインできません",
            "このサービスの一部が利用できないため、どなたもサインインできません。",
            "少し待ってから {app} に戻り、もう一度お試しください。",
        ),
        internal: error(
            "サービス側で問題が発生しました",
            "このサービスの障害により、要求が中断されました。",
            "{app} に戻り、もう一度お試しください。再び発生する場合は、下記の参照番号を管理者にお送りください。",
        ),
        not_found: error(
            "このページは存在しません",
            "アドレスの入力に誤りがあるか、古くなっている可能性があります。",
            "サインインするには、利用するアプリから始めてください。",
        ),
        method_not_allowed: error(
            "この方法ではページを利用できません",
            "このアドレスで受け付けていないメソッドが使用されました。",
            "サインインするには、利用するアプリから始めてください。",
        ),
        too_many_requests: error(
            "要求が多すぎます",
            "ご利用のネットワークから、短時間に受け付けられる数を超える要求がありました。",
            "しばらく待ってから、もう一度お試しください。",
        ),
        logout_invalid: error(
            "サインアウトの要求が無効です",
            "{app} から、受け付けられない方法でサインアウトが要求されたため、何も変更していません。",
            "アプリに戻り、もう一度お試しください。再び発生する場合は、下記の参照番号をアプリの運営者にお送りください。",
        ),
    },
};
