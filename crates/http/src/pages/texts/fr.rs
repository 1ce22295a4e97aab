//! French.

use super::{Dates, Errors, Texts, error};

/// French.
pub(super) static FRENCH: Texts<'static> = Texts {
    lang: "fr",
    dir: "ltr",
    dates: Dates {
        months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        first: "1er",
        pattern: "{day} {month} {year}",
    },
    an_app: "",
    an_app_you_used: "une application que vous avez utilisée",
    a_provider: "",
    back_to: "Retour à l’application {app}",
    choose_again: "Choisir un autre moyen de connexion",

    chooser_window: "Connexion à l’application {app}",
    chooser_title: "Connexion",
    chooser_lead: "Choisissez comment continuer vers l’application {app}.",
    chooser_continue: "Continuer avec {provider}",
    chooser_sign_in: "Se connecter avec {provider}",
    chooser_last_used: "Dernier utilisé",
    chooser_trouble: "Perturbé en ce moment",
    chooser_returns: "Vous reviendrez ensuite à {place}.",
    chooser_email: "Adresse e-mail",
    chooser_email_next: "Continuer",
    chooser_or: "ou",
    chooser_choose: "Choisissez comment continuer.",

    onward_title: "Redirection vers {provider}",
    onward_hint: "Vous vous y connectez, puis vous revenez ici. Si rien ne se passe, utilisez le bouton.",
    onward_open: "Continuer vers {provider}",

    signed_out_title: "Déconnexion effectuée",
    signed_out_what: "Votre session ici est terminée.",
    signed_out_told: "Ces applications en sont informées pour vous déconnecter aussi :",
    signed_out_also: "Votre connexion est peut-être encore active dans les applications et chez les fournisseurs que vous avez utilisés. \
                      Sur un ordinateur partagé, déconnectez-vous-en également.",
    signed_out_going: "Vous allez être redirigé dans un instant.",

    logout_title: "Se déconnecter ?",
    logout_lead: "Origine de la demande : {app}. Votre session ici prendra fin pour toutes les applications de ce navigateur qui en dépendent.",
    logout_yes: "Se déconnecter",
    logout_no: "Rester connecté",
    logout_or_close: "Pour rester connecté, fermez cette page.",

    return_title: "Retour à l’application {app}",
    return_hint: "Votre navigateur peut vous demander l’autorisation d’ouvrir l’application. Si rien ne se passe, utilisez le bouton.",
    return_open: "Ouvrir l’application {app}",
    form_post_hint: "Si rien ne se passe, utilisez le bouton.",

    consent_title: "Autoriser l’application {app} ?",
    consent_lead: "L’application {app} demande :",
    consent_openid: "À vous reconnaître lorsque vous vous connectez",
    consent_profile: "Votre nom et d’autres informations de votre profil",
    consent_email: "Votre adresse e-mail",
    consent_groups: "Les groupes auxquels vous appartenez",
    consent_offline: "Un accès en votre absence, jusqu’à ce qu’il soit retiré",
    consent_other: "L’autorisation {scope}",
    consent_until_sign_out: "Cela prend fin lorsque vous vous déconnectez ici.",
    consent_remembered: "La question ne vous sera plus posée, sauf si l’application {app} demande davantage.",
    consent_each_time: "La question vous est posée à chaque fois.",
    consent_unvetted: "Personne ici n’a vérifié cette application. Ne continuez que si vous faites confiance à {place}, où la réponse sera envoyée.",
    consent_allow: "Autoriser",
    consent_deny: "Refuser",
    consent_other_account: "Utiliser un autre compte",

    account_title: "Moyens de connexion",
    account_person: "Session ouverte au nom de {person}.",
    account_lead: "Tous mènent au même compte.",
    account_first_sign_in: "Ajouté le {date}, lors de votre première connexion",
    account_by_person: "Ajouté par vous le {date}",
    account_by_email: "Ajouté le {date}, car l’adresse e-mail est la même",
    account_last_used: "Dernière utilisation le {date}",
    account_remove: "Supprimer {provider}",
    account_remove_sure: "Vous ne pourrez plus vous connecter avec {provider}, et les applications auxquelles vous avez accédé par ce moyen \
                          pourront vous déconnecter.",
    account_remove_yes: "Oui, supprimer {provider}",
    account_only: "C’est votre seul moyen de connexion : il ne peut pas être supprimé. Pour le remplacer, ajoutez-en d’abord un autre.",
    account_add_title: "Ajouter un autre moyen",
    account_add: "Ajouter {provider}",
    account_current: "Connexion actuelle",
    account_added: "Un moyen de connexion a été ajouté. Vous pouvez l’utiliser dès maintenant.",
    account_removed: "Le moyen de connexion a été supprimé. Il ne peut plus être utilisé.",
    account_stale: "Cette page est restée ouverte trop longtemps ; rien n’a été modifié. Veuillez réessayer.",
    account_again: "Pour ajouter ou supprimer un moyen de connexion, veuillez vous connecter une nouvelle fois, afin que nous soyons sûrs qu’il s’agit de vous.",
    account_back: "Retour aux moyens de connexion",

    device_title: "Connecter un appareil",
    device_lead: "Saisissez le code affiché par votre appareil.",
    device_compare: "Vérifiez que votre appareil affiche ce code et ne continuez que si c’est le cas.",
    device_code: "Code",
    device_unknown: "Ce code n’est pas valide ou ne l’est plus. Vérifiez-le ou demandez à l’appareil d’en afficher un nouveau.",
    device_ask_title: "Ouvrir une session de l’application {app} sur votre appareil ?",
    device_warning: "N’autorisez cette demande que si vous l’avez faite vous-même, sur un appareil que vous avez devant vous. Si \
                     quelqu’un vous a envoyé le code ou le lien, refusez.",
    device_shows: "Votre appareil doit afficher ce code :",
    device_scopes: "L’application pourra alors :",
    device_asked_at: "Demandé",
    device_network: "Depuis le réseau",
    device_elsewhere: "Ce n’est pas le réseau que vous utilisez en ce moment.",
    device_allow: "Autoriser",
    device_deny: "Refuser",
    device_allowed_title: "Votre appareil est connecté",
    device_allowed: "Revenez à votre appareil : la session de l’application {app} s’y ouvrira dans quelques secondes.",
    device_denied_title: "L’appareil a été refusé",
    device_denied: "Aucune session de l’application {app} n’a été ouverte et rien n’a été communiqué.",

    scope_profile: "voir votre nom et votre profil",
    scope_email: "voir votre adresse e-mail",
    scope_groups: "voir les groupes dont vous faites partie",
    scope_offline_access: "garder la session ouverte quand vous ne l’utilisez pas",

    again_title: "Reconnectez-vous d’abord",
    again_why: "Vous allez modifier l’accès à ce compte. Pour nous assurer qu’il s’agit bien de vous, nous vous demandons de vous connecter \
                une nouvelle fois.",
    again_yes: "Se reconnecter",
    again_no: "Pas maintenant",

    error_reference: "Référence",
    error_time: "Heure",
    error_developer: "Pour les développeurs de l’application",

    help: "Aide",
    privacy: "Confidentialité",
    footer: "",

    unrenderable: "Une erreur s’est produite de notre côté. Veuillez réessayer.",

    errors: Errors {
        client_unknown: error(
            "Cette application n’est pas enregistrée",
            "Le lien que vous avez suivi désigne une application que ce service de connexion ne connaît pas.",
            "Retournez à l’application et réessayez. Si le problème se reproduit, envoyez la référence ci-dessous aux responsables de l’application.",
        ),
        redirect_mismatch: error(
            "L’adresse de retour ne correspond pas",
            "L’application {app} a voulu vous envoyer vers une adresse qui n’est pas enregistrée pour elle ; nous avons tout arrêté avant de \
             communiquer quoi que ce soit.",
            "Vous ne pouvez pas résoudre ce problème vous-même. Veuillez envoyer la référence ci-dessous aux responsables de l’application.",
        ),
        request_invalid: error(
            "Cette demande de connexion n’est pas valide",
            "L’application {app} a envoyé une demande que nous ne pouvons pas accepter.",
            "Retournez à l’application et réessayez. Si le problème se reproduit, envoyez la référence ci-dessous aux responsables de l’application.",
        ),
        request_expired: error(
            "Cette connexion a expiré",
            "Elle a pris trop de temps, a déjà servi, ou a été ouverte dans un autre navigateur que celui où elle a commencé.",
            "Retournez à l’application {app} et connectez-vous à nouveau.",
        ),
        cookies_blocked: error(
            "Les cookies sont bloqués",
            "Votre navigateur n’a pas conservé le cookie qui rattache cette connexion à vous ; nous ne pouvons donc pas savoir si elle est la vôtre.",
            "Autorisez les cookies pour ce site, puis retournez à l’application {app} et connectez-vous à nouveau.",
        ),
        person_declined: error(
            "La connexion a été annulée",
            "Le fournisseur {provider} indique que vous avez choisi de ne pas continuer ; la connexion n’a donc pas eu lieu.",
            "Retournez à l’application {app} pour réessayer ou choisir un autre moyen de connexion.",
        ),
        upstream_unavailable: error(
            "Le fournisseur {provider} est injoignable",
            "Nous avons demandé au fournisseur {provider} de vous connecter et n’avons pas reçu de réponse utilisable.",
            "Patientez une minute, puis retournez à l’application {app} et réessayez, ou choisissez un autre moyen de connexion.",
        ),
        upstream_invalid: error(
            "Votre connexion n’a pas abouti",
            "La réponse du fournisseur {provider} n’a pas satisfait à nos vérifications ; nous ne l’avons donc pas acceptée.",
            "Retournez à l’application {app} et réessayez. Si le problème se reproduit, envoyez la référence ci-dessous à votre administration.",
        ),
        upstream_misconfigured: error(
            "Ce moyen de connexion n’est pas correctement configuré",
            "Le fournisseur {provider} a refusé de collaborer avec ce service de connexion, et seule l’administration de ce dernier peut y remédier.",
            "Choisissez un autre moyen de connexion, ou envoyez la référence ci-dessous à votre administration.",
        ),
        provider_paused: error(
            "Le fournisseur {provider} est perturbé en ce moment",
            "La connexion avec le fournisseur {provider} a échoué plusieurs fois de suite ; nous la suspendons pour un court moment.",
            "Choisissez un autre moyen de connexion, ou réessayez dans quelques minutes.",
        ),
        email_not_verified: error(
            "Votre adresse e-mail n’est pas vérifiée",
            "Le fournisseur {provider} n’a pas confirmé que votre adresse e-mail est bien la vôtre, et la connexion ici l’exige.",
            "Faites vérifier votre adresse par le fournisseur {provider}, puis retournez à l’application {app} et connectez-vous à nouveau.",
        ),
        not_allowed: error(
            "Vous n’avez pas accès",
            "Nous savons qui vous êtes, mais une règle ne permet pas à ce compte d’entrer dans l’application {app}.",
            "Essayez avec un autre compte, ou envoyez la référence ci-dessous à votre administration pour demander l’accès.",
        ),
        link_taken: error(
            "Ce compte est déjà utilisé ici",
            "Ce compte chez le fournisseur {provider} sert déjà à la connexion d’une autre personne ; il ne peut donc pas être ajouté au vôtre.",
            "Rien n’a été modifié. Choisissez un autre compte, ou envoyez la référence ci-dessous à votre administration.",
        ),
        account_disabled: error(
            "Ce compte est désactivé",
            "L’administration a désactivé la connexion avec ce compte.",
            "Si vous pensez qu’il s’agit d’une erreur, envoyez la référence ci-dessous à votre administration.",
        ),
        clock_skew: error(
            "Les horloges ne concordent pas",
            "L’heure du fournisseur {provider} et la nôtre sont trop éloignées pour une connexion sûre.",
            "Réessayez dans quelques minutes. Si le problème se reproduit, envoyez la référence ci-dessous à votre administration.",
        ),
        unavailable: error(
            "La connexion est impossible pour le moment",
            "Une partie de ce service n’est pas disponible, et nous ne laissons entrer personne sans elle.",
            "Patientez une minute, puis retournez à l’application {app} et réessayez.",
        ),
        internal: error(
            "Une erreur s’est produite de notre côté",
            "Une défaillance de ce service a interrompu votre demande.",
            "Retournez à l’application {app} et réessayez. Si le problème se reproduit, envoyez la référence ci-dessous à votre administration.",
        ),
        not_found: error(
            "Cette page n’existe pas",
            "L’adresse est peut-être mal saisie ou périmée.",
            "Pour vous connecter, partez de l’application que vous souhaitez utiliser.",
        ),
        method_not_allowed: error(
            "Cette page ne fonctionne pas ainsi",
            "La demande a utilisé une méthode que cette adresse n’accepte pas.",
            "Pour vous connecter, partez de l’application que vous souhaitez utiliser.",
        ),
        too_many_requests: error(
            "Trop de demandes",
            "Votre réseau a envoyé plus de demandes que nous n’en acceptons en si peu de temps.",
            "Patientez un peu, puis réessayez.",
        ),
        logout_invalid: error(
            "Cette demande de déconnexion n’est pas valide",
            "L’application {app} a demandé votre déconnexion d’une manière que nous ne pouvons pas accepter ; rien n’a donc été modifié.",
            "Retournez à l’application et réessayez. Si le problème se reproduit, envoyez la référence ci-dessous aux responsables de l’application.",
        ),
    },
};
