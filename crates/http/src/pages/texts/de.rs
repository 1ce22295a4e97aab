//! German.

use super::{Dates, Errors, Texts, error};

/// German.
pub(super) static GERMAN: Texts<'static> = Texts {
    lang: "de",
    dir: "ltr",
    dates: Dates {
        months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        first: "1",
        pattern: "{day}. {month} {year}",
    },
    an_app: "",
    an_app_you_used: "einer App, die Sie benutzt haben",
    a_provider: "",
    back_to: "Zurück zur App {app}",
    choose_again: "Anders anmelden",

    chooser_window: "Anmeldung bei der App {app}",
    chooser_title: "Anmelden",
    chooser_lead: "Wählen Sie, wie Sie sich bei der App {app} anmelden möchten.",
    chooser_continue: "Weiter mit {provider}",
    chooser_sign_in: "Mit {provider} anmelden",
    chooser_last_used: "Zuletzt verwendet",
    chooser_trouble: "Zurzeit gestört",
    chooser_returns: "Danach kehren Sie zu {place} zurück.",
    chooser_email: "E-Mail-Adresse",
    chooser_email_next: "Weiter",
    chooser_or: "oder",
    chooser_choose: "Wählen Sie, wie Sie fortfahren möchten.",

    onward_title: "Weiter zu {provider}",
    onward_hint: "Sie melden sich dort an und kehren dann hierher zurück. Falls nichts geschieht, verwenden Sie die Schaltfläche.",
    onward_open: "Zu {provider}",

    signed_out_title: "Sie sind abgemeldet",
    signed_out_what: "Ihre Sitzung hier ist beendet.",
    signed_out_told: "Diese Apps erfahren es und melden Sie ebenfalls ab:",
    signed_out_also: "Bei Apps und Anbietern, die Sie benutzt haben, sind Sie möglicherweise noch angemeldet. \
                      Melden Sie sich an einem gemeinsam genutzten Computer auch dort ab.",
    signed_out_going: "Sie werden gleich zurückgeleitet.",

    logout_title: "Abmelden?",
    logout_lead: "Die Anfrage kam von {app}. Ihre Sitzung hier endet für alle Apps in diesem Browser, die sich auf sie stützen.",
    logout_yes: "Abmelden",
    logout_no: "Angemeldet bleiben",
    logout_or_close: "Um angemeldet zu bleiben, schließen Sie diese Seite.",

    return_title: "Zurück zur App {app}",
    return_hint: "Ihr Browser fragt möglicherweise, ob er die App öffnen darf. Falls nichts geschieht, verwenden Sie die Schaltfläche.",
    return_open: "App {app} öffnen",
    form_post_hint: "Falls nichts geschieht, verwenden Sie die Schaltfläche.",

    consent_title: "Zugriff für die App {app} erlauben?",
    consent_lead: "Die App {app} bittet um Folgendes:",
    consent_openid: "Zu erkennen, dass Sie es sind, wenn Sie sich anmelden",
    consent_profile: "Ihren Namen und weitere Angaben aus Ihrem Profil",
    consent_email: "Ihre E-Mail-Adresse",
    consent_groups: "Die Gruppen, denen Sie angehören",
    consent_offline: "Zugriff auch während Ihrer Abwesenheit, bis er zurückgenommen wird",
    consent_other: "Die Berechtigung {scope}",
    consent_until_sign_out: "Dies endet, wenn Sie sich hier abmelden.",
    consent_remembered: "Sie werden nicht noch einmal gefragt, solange die App {app} nicht mehr verlangt.",
    consent_each_time: "Sie werden jedes Mal gefragt.",
    consent_unvetted: "Diese App wurde hier von niemandem geprüft. Fahren Sie nur fort, wenn Sie {place} vertrauen: Dorthin geht die Antwort.",
    consent_allow: "Erlauben",
    consent_deny: "Ablehnen",
    consent_other_account: "Anderes Konto verwenden",

    account_title: "Anmeldewege",
    account_person: "Sie sind als {person} angemeldet.",
    account_lead: "Jeder dieser Wege führt zu demselben Konto.",
    account_first_sign_in: "Am {date} bei Ihrer ersten Anmeldung hinzugefügt",
    account_by_person: "Am {date} von Ihnen hinzugefügt",
    account_by_email: "Am {date} hinzugefügt, weil die E-Mail-Adresse übereinstimmt",
    account_last_used: "Zuletzt am {date} verwendet",
    account_remove: "{provider} entfernen",
    account_remove_sure: "Sie können sich dann nicht mehr mit {provider} anmelden, und Apps, die Sie darüber erreicht haben, melden Sie \
                          möglicherweise ab.",
    account_remove_yes: "Ja, {provider} entfernen",
    account_only: "Dies ist Ihr einziger Anmeldeweg; er kann deshalb nicht entfernt werden. Um ihn zu ersetzen, fügen Sie zuerst einen anderen \
                   hinzu.",
    account_add_title: "Weiteren Weg hinzufügen",
    account_add: "{provider} hinzufügen",
    account_current: "So angemeldet",
    account_added: "Ein Anmeldeweg wurde hinzugefügt. Sie können ihn ab jetzt verwenden.",
    account_removed: "Der Anmeldeweg wurde entfernt. Er kann nicht mehr verwendet werden.",
    account_stale: "Diese Seite war zu lange geöffnet. Es wurde deshalb nichts geändert. Bitte versuchen Sie es erneut.",
    account_again: "Um Anmeldewege hinzuzufügen oder zu entfernen, melden Sie sich bitte noch einmal an, damit sicher ist, dass Sie es sind.",
    account_back: "Zurück zu den Anmeldewegen",

    device_title: "Gerät verbinden",
    device_lead: "Geben Sie den Code ein, den Ihr Gerät anzeigt.",
    device_compare: "Prüfen Sie, ob Ihr Gerät diesen Code anzeigt. Fahren Sie nur dann fort.",
    device_code: "Code",
    device_unknown: "Dieser Code ist nicht oder nicht mehr gültig. Prüfen Sie ihn, oder lassen Sie das Gerät einen neuen anzeigen.",
    device_ask_title: "Auf Ihrem Gerät bei der App {app} anmelden?",
    device_warning: "Erlauben Sie dies nur, wenn Sie es selbst begonnen haben, auf einem Gerät, das Sie vor sich haben. Hat Ihnen \
                     jemand den Code oder den Link geschickt, lehnen Sie ab.",
    device_shows: "Ihr Gerät muss diesen Code anzeigen:",
    device_scopes: "Die App darf dann:",
    device_asked_at: "Angefragt",
    device_network: "Aus dem Netz",
    device_elsewhere: "Das ist nicht das Netz, das Sie gerade benutzen.",
    device_allow: "Erlauben",
    device_deny: "Ablehnen",
    device_allowed_title: "Ihr Gerät ist verbunden",
    device_allowed: "Gehen Sie zurück zu Ihrem Gerät: Dort sind Sie in wenigen Sekunden bei der App {app} angemeldet.",
    device_denied_title: "Das Gerät wurde abgewiesen",
    device_denied: "Die App {app} wurde nicht angemeldet, und es wurde nichts weitergegeben.",

    scope_profile: "Ihren Namen und Ihr Profil sehen",
    scope_email: "Ihre E-Mail-Adresse sehen",
    scope_groups: "sehen, zu welchen Gruppen Sie gehören",
    scope_offline_access: "angemeldet bleiben, während Sie sie nicht benutzen",

    again_title: "Bitte zuerst erneut anmelden",
    again_why: "Sie sind dabei, den Zugang zu diesem Konto zu ändern. Damit sicher ist, dass Sie es sind, melden Sie sich bitte noch einmal an.",
    again_yes: "Erneut anmelden",
    again_no: "Jetzt nicht",

    error_reference: "Referenz",
    error_time: "Zeit",
    error_developer: "Für die Entwickler der App",

    help: "Hilfe",
    privacy: "Datenschutz",
    footer: "",

    unrenderable: "Bei uns ist ein Fehler aufgetreten. Bitte versuchen Sie es erneut.",

    errors: Errors {
        client_unknown: error(
            "Diese App ist nicht registriert",
            "Der Link, dem Sie gefolgt sind, nennt eine App, die dieser Anmeldedienst nicht kennt.",
            "Gehen Sie zurück zur App und versuchen Sie es erneut. Geschieht es wieder, senden Sie die Referenz unten an die Betreiber der App.",
        ),
        redirect_mismatch: error(
            "Die Rücksprungadresse stimmt nicht",
            "Die App {app} wollte Sie zu einer Adresse senden, die nicht für sie registriert ist. Wir haben angehalten, bevor etwas \
             weitergegeben wurde.",
            "Sie können das nicht selbst beheben. Bitte senden Sie die Referenz unten an die Betreiber der App.",
        ),
        request_invalid: error(
            "Diese Anmeldeanfrage ist ungültig",
            "Die App {app} hat eine Anfrage gesendet, die wir nicht annehmen können.",
            "Gehen Sie zurück zur App und versuchen Sie es erneut. Geschieht es wieder, senden Sie die Referenz unten an die Betreiber der App.",
        ),
        request_expired: error(
            "Diese Anmeldung ist abgelaufen",
            "Sie hat zu lange gedauert, wurde bereits verwendet oder in einem anderen Browser geöffnet als dem, in dem sie begann.",
            "Gehen Sie zurück zur App {app} und melden Sie sich erneut an.",
        ),
        cookies_blocked: error(
            "Cookies sind blockiert",
            "Ihr Browser hat das Cookie nicht behalten, das diese Anmeldung mit Ihnen verbindet. Wir können deshalb nicht erkennen, dass sie Ihre \
             ist.",
            "Erlauben Sie Cookies für diese Website, gehen Sie dann zurück zur App {app} und melden Sie sich erneut an.",
        ),
        person_declined: error(
            "Die Anmeldung wurde abgebrochen",
            "Der Anbieter {provider} meldet, dass Sie nicht fortfahren wollten. Sie sind deshalb nicht angemeldet.",
            "Gehen Sie zurück zur App {app}, um es erneut zu versuchen oder sich anders anzumelden.",
        ),
        upstream_unavailable: error(
            "Der Anbieter {provider} ist nicht erreichbar",
            "Wir haben den Anbieter {provider} gebeten, Sie anzumelden, und keine brauchbare Antwort erhalten.",
            "Warten Sie eine Minute, gehen Sie dann zurück zur App {app} und versuchen Sie es erneut, oder melden Sie sich anders an.",
        ),
        upstream_invalid: error(
            "Sie konnten nicht angemeldet werden",
            "Die Antwort vom Anbieter {provider} hat unsere Prüfungen nicht bestanden. Wir haben ihr deshalb nicht vertraut.",
            "Gehen Sie zurück zur App {app} und versuchen Sie es erneut. Geschieht es wieder, senden Sie die Referenz unten an Ihre Administration.",
        ),
        upstream_misconfigured: error(
            "Dieser Anmeldeweg ist nicht richtig eingerichtet",
            "Der Anbieter {provider} arbeitet nicht mit diesem Anmeldedienst zusammen, und nur dessen Administration kann das ändern.",
            "Melden Sie sich anders an, oder senden Sie die Referenz unten an Ihre Administration.",
        ),
        provider_paused: error(
            "Der Anbieter {provider} ist zurzeit gestört",
            "Die Anmeldung beim Anbieter {provider} ist mehrmals hintereinander fehlgeschlagen. Wir pausieren sie deshalb für kurze Zeit.",
            "Melden Sie sich anders an, oder versuchen Sie es in ein paar Minuten erneut.",
        ),
        email_not_verified: error(
            "Ihre E-Mail-Adresse ist nicht bestätigt",
            "Der Anbieter {provider} hat nicht bestätigt, dass Ihre E-Mail-Adresse Ihnen gehört, und die Anmeldung hier setzt das voraus.",
            "Bestätigen Sie Ihre Adresse beim Anbieter {provider}, gehen Sie dann zurück zur App {app} und melden Sie sich erneut an.",
        ),
        not_allowed: error(
            "Sie haben keinen Zugang",
            "Wir wissen, wer Sie sind, aber eine Regel hier lässt dieses Konto nicht in die App {app}.",
            "Versuchen Sie es mit einem anderen Konto, oder bitten Sie Ihre Administration um Zugang und senden Sie ihr die Referenz unten.",
        ),
        link_taken: error(
            "Dieses Konto wird hier bereits verwendet",
            "Mit diesem Konto beim Anbieter {provider} meldet sich bereits jemand anderes an. Es kann Ihrem Konto deshalb nicht hinzugefügt werden.",
            "Es wurde nichts geändert. Wählen Sie ein anderes Konto, oder senden Sie die Referenz unten an Ihre Administration.",
        ),
        account_disabled: error(
            "Dieses Konto ist gesperrt",
            "Die Administration hat die Anmeldung mit diesem Konto abgeschaltet.",
            "Wenn Sie das für einen Irrtum halten, senden Sie die Referenz unten an Ihre Administration.",
        ),
        clock_skew: error(
            "Die Uhren gehen verschieden",
            "Die Zeit beim Anbieter {provider} und die Zeit hier liegen für eine sichere Anmeldung zu weit auseinander.",
            "Versuchen Sie es in ein paar Minuten erneut. Geschieht es wieder, senden Sie die Referenz unten an Ihre Administration.",
        ),
        unavailable: error(
            "Die Anmeldung ist zurzeit nicht möglich",
            "Ein Teil dieses Dienstes ist nicht verfügbar, und ohne ihn lassen wir niemanden ein.",
            "Warten Sie eine Minute, gehen Sie dann zurück zur App {app} und versuchen Sie es erneut.",
        ),
        internal: error(
            "Bei uns ist ein Fehler aufgetreten",
            "Ein Fehler in diesem Dienst hat Ihre Anfrage aufgehalten.",
            "Gehen Sie zurück zur App {app} und versuchen Sie es erneut. Geschieht es wieder, senden Sie die Referenz unten an Ihre Administration.",
        ),
        not_found: error(
            "Diese Seite gibt es nicht",
            "Die Adresse ist möglicherweise falsch geschrieben oder veraltet.",
            "Um sich anzumelden, beginnen Sie in der App, die Sie benutzen möchten.",
        ),
        method_not_allowed: error(
            "So funktioniert diese Seite nicht",
            "Die Anfrage hat eine Methode verwendet, die diese Adresse nicht annimmt.",
            "Um sich anzumelden, beginnen Sie in der App, die Sie benutzen möchten.",
        ),
        too_many_requests: error(
            "Zu viele Anfragen",
            "Aus Ihrem Netz kamen in kurzer Zeit mehr Anfragen, als wir annehmen.",
            "Warten Sie einen Moment, und versuchen Sie es dann erneut.",
        ),
        logout_invalid: error(
            "Diese Abmeldeanfrage ist ungültig",
            "Die App {app} wollte Sie auf eine Weise abmelden, die wir nicht annehmen können. Es wurde deshalb nichts geändert.",
            "Gehen Sie zurück zur App und versuchen Sie es erneut. Geschieht es wieder, senden Sie die Referenz unten an die Betreiber der App.",
        ),
    },
};
