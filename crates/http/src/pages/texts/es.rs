//! Spanish.

use super::{Dates, Errors, Texts, error};

/// Spanish.
pub(super) static SPANISH: Texts<'static> = Texts {
    lang: "es",
    dir: "ltr",
    dates: Dates {
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        first: "1",
        pattern: "{day} de {month} de {year}",
    },
    an_app: "",
    an_app_you_used: "una aplicación que ha utilizado",
    a_provider: "",
    back_to: "Volver a la aplicación {app}",
    choose_again: "Elegir otra forma de iniciar sesión",

    chooser_window: "Iniciar sesión en la aplicación {app}",
    chooser_title: "Iniciar sesión",
    chooser_lead: "Elija cómo continuar a la aplicación {app}.",
    chooser_continue: "Continuar con {provider}",
    chooser_sign_in: "Iniciar sesión con {provider}",
    chooser_last_used: "Último usado",
    chooser_trouble: "Con problemas en este momento",
    chooser_returns: "Después volverá a {place}.",
    chooser_email: "Correo electrónico",
    chooser_email_next: "Continuar",
    chooser_or: "o bien",
    chooser_choose: "Elija cómo continuar.",

    onward_title: "Vamos a {provider}",
    onward_hint: "Inicie sesión allí y volverá aquí. Si no ocurre nada, use el botón.",
    onward_open: "Continuar a {provider}",

    signed_out_title: "Ha cerrado la sesión",
    signed_out_what: "Su sesión aquí ha terminado.",
    signed_out_told: "Se avisa a estas aplicaciones para que también cierren su sesión:",
    signed_out_also: "Es posible que siga con la sesión iniciada en las aplicaciones y los proveedores que ha utilizado. \
                      En un equipo compartido, ciérrela también allí.",
    signed_out_going: "Volverá en un momento.",

    logout_title: "¿Cerrar la sesión?",
    logout_lead: "La solicitud proviene de {app}. Su sesión aquí terminará para todas las aplicaciones de este navegador que dependen de ella.",
    logout_yes: "Cerrar la sesión",
    logout_no: "Mantener la sesión",
    logout_or_close: "Para mantener la sesión, cierre esta página.",

    return_title: "Volviendo a la aplicación {app}",
    return_hint: "Es posible que el navegador le pida permiso para abrir la aplicación. Si no ocurre nada, use el botón.",
    return_open: "Abrir la aplicación {app}",

    account_title: "Formas de iniciar sesión",
    account_person: "Ha iniciado sesión como {person}.",
    account_lead: "Todas llevan a la misma cuenta.",
    account_first_sign_in: "Añadida el {date}, al iniciar sesión por primera vez",
    account_by_person: "Añadida por usted el {date}",
    account_by_email: "Añadida el {date}, porque la dirección de correo es la misma",
    account_last_used: "Último uso: {date}",
    account_remove: "Quitar {provider}",
    account_remove_sure: "Ya no podrá iniciar sesión con {provider}, y es posible que se cierre su sesión en las aplicaciones a las que accedió \
                          por este medio.",
    account_remove_yes: "Sí, quitar {provider}",
    account_only: "Es su única forma de iniciar sesión, por lo que no se puede quitar. Para sustituirla, añada antes otra.",
    account_add_title: "Añadir otra forma",
    account_add: "Añadir {provider}",
    account_current: "Sesión actual",
    account_added: "Se ha añadido una forma de iniciar sesión. Puede usarla a partir de ahora.",
    account_removed: "Se ha quitado la forma de iniciar sesión. Ya no se puede usar.",
    account_stale: "Esta página ha estado abierta demasiado tiempo, por lo que no se ha cambiado nada. Inténtelo de nuevo.",
    account_again: "Para añadir o quitar una forma de iniciar sesión, inicie sesión una vez más, de modo que tengamos la certeza de que es usted.",
    account_back: "Volver a las formas de iniciar sesión",

    device_title: "Conectar un dispositivo",
    device_lead: "Escriba el código que muestra su dispositivo.",
    device_compare: "Compruebe que su dispositivo muestra este código y continúe solo si es así.",
    device_code: "Código",
    device_unknown: "Este código no es válido o ha dejado de serlo. Compruébelo o haga que el dispositivo muestre uno nuevo.",
    device_ask_title: "¿Iniciar sesión en la aplicación {app} en su dispositivo?",
    device_warning: "Permítalo solo si lo ha iniciado usted, en un dispositivo que tiene delante. Si alguien le ha enviado el código o \
                     el enlace, deniéguelo.",
    device_shows: "Su dispositivo debe mostrar este código:",
    device_scopes: "La aplicación podrá entonces:",
    device_asked_at: "Solicitado",
    device_network: "Desde la red",
    device_elsewhere: "No es la red que está usando ahora.",
    device_allow: "Permitir",
    device_deny: "Denegar",
    device_allowed_title: "Su dispositivo está conectado",
    device_allowed: "Vuelva a su dispositivo: en unos segundos habrá iniciado sesión allí en la aplicación {app}.",
    device_denied_title: "Se ha rechazado el dispositivo",
    device_denied: "No se ha iniciado sesión en la aplicación {app} y no se ha compartido nada.",

    scope_profile: "ver su nombre y su perfil",
    scope_email: "ver su dirección de correo electrónico",
    scope_groups: "ver a qué grupos pertenece",
    scope_offline_access: "mantener la sesión iniciada mientras no la usa",

    again_title: "Inicie sesión de nuevo",
    again_why: "Está a punto de cambiar el acceso a esta cuenta. Para asegurarnos de que es usted, le pedimos que inicie sesión una vez más.",
    again_yes: "Iniciar sesión de nuevo",
    again_no: "Ahora no",

    error_reference: "Referencia",
    error_time: "Hora",
    error_developer: "Para quienes desarrollan la aplicación",

    help: "Ayuda",
    privacy: "Privacidad",
    footer: "",

    unrenderable: "Se ha producido un error por nuestra parte. Inténtelo de nuevo.",

    errors: Errors {
        client_unknown: error(
            "Esta aplicación no está registrada",
            "El enlace que ha seguido indica una aplicación que este servicio de inicio de sesión no conoce.",
            "Vuelva a la aplicación e inténtelo de nuevo. Si vuelve a ocurrir, envíe la referencia que figura abajo a los responsables de la aplicación.",
        ),
        redirect_mismatch: error(
            "La dirección de retorno no coincide",
            "La aplicación {app} quiso enviarle a una dirección que no está registrada para ella, por lo que nos detuvimos antes de compartir nada.",
            "Usted no puede resolverlo. Envíe la referencia que figura abajo a los responsables de la aplicación.",
        ),
        request_invalid: error(
            "Esta solicitud de inicio de sesión no es válida",
            "La aplicación {app} envió una solicitud que no podemos aceptar.",
            "Vuelva a la aplicación e inténtelo de nuevo. Si vuelve a ocurrir, envíe la referencia que figura abajo a los responsables de la aplicación.",
        ),
        request_expired: error(
            "Este inicio de sesión ha caducado",
            "Tardó demasiado, ya se había usado o se abrió en un navegador distinto de aquel en que comenzó.",
            "Vuelva a la aplicación {app} e inicie sesión de nuevo.",
        ),
        cookies_blocked: error(
            "Las cookies están bloqueadas",
            "Su navegador no ha conservado la cookie que vincula este inicio de sesión con usted, por lo que no podemos saber que es suyo.",
            "Permita las cookies de este sitio, vuelva a la aplicación {app} e inicie sesión de nuevo.",
        ),
        person_declined: error(
            "Se ha cancelado el inicio de sesión",
            "El proveedor {provider} indica que usted decidió no continuar, por lo que no ha iniciado sesión.",
            "Vuelva a la aplicación {app} para intentarlo de nuevo o elegir otra forma de iniciar sesión.",
        ),
        upstream_unavailable: error(
            "No se puede contactar con el proveedor {provider}",
            "Pedimos al proveedor {provider} que iniciara su sesión y no recibimos una respuesta utilizable.",
            "Espere un minuto, vuelva a la aplicación {app} e inténtelo de nuevo, o elija otra forma de iniciar sesión.",
        ),
        upstream_invalid: error(
            "No se ha podido iniciar su sesión",
            "La respuesta del proveedor {provider} no superó nuestras comprobaciones, por lo que no la hemos aceptado.",
            "Vuelva a la aplicación {app} e inténtelo de nuevo. Si vuelve a ocurrir, envíe la referencia que figura abajo a su administración.",
        ),
        upstream_misconfigured: error(
            "Esta forma de iniciar sesión no está bien configurada",
            "El proveedor {provider} se negó a trabajar con este servicio de inicio de sesión, y solo su administración puede cambiarlo.",
            "Elija otra forma de iniciar sesión o envíe la referencia que figura abajo a su administración.",
        ),
        provider_paused: error(
            "El proveedor {provider} tiene problemas en este momento",
            "El inicio de sesión con el proveedor {provider} ha fallado varias veces seguidas, por lo que lo hemos suspendido por unos momentos.",
            "Elija otra forma de iniciar sesión o inténtelo de nuevo dentro de unos minutos.",
        ),
        email_not_verified: error(
            "Su dirección de correo no está verificada",
            "El proveedor {provider} no ha confirmado que la dirección de correo sea suya, y es necesario para iniciar sesión aquí.",
            "Verifique su dirección con el proveedor {provider}, vuelva a la aplicación {app} e inicie sesión de nuevo.",
        ),
        not_allowed: error(
            "No tiene acceso",
            "Sabemos quién es usted, pero una regla no permite que esta cuenta entre en la aplicación {app}.",
            "Pruebe con otra cuenta o envíe la referencia que figura abajo a su administración para solicitar acceso.",
        ),
        link_taken: error(
            "Esta cuenta ya se usa aquí",
            "Otra persona ya inicia sesión con esta cuenta del proveedor {provider}, por lo que no se puede añadir a la suya.",
            "No se ha cambiado nada. Elija otra cuenta o envíe la referencia que figura abajo a su administración.",
        ),
        account_disabled: error(
            "Esta cuenta está desactivada",
            "La administración ha desactivado el inicio de sesión con esta cuenta.",
            "Si cree que se trata de un error, envíe la referencia que figura abajo a su administración.",
        ),
        clock_skew: error(
            "Los relojes no coinciden",
            "La hora del proveedor {provider} y la de aquí difieren demasiado para un inicio de sesión seguro.",
            "Inténtelo de nuevo dentro de unos minutos. Si vuelve a ocurrir, envíe la referencia que figura abajo a su administración.",
        ),
        unavailable: error(
            "En este momento no es posible iniciar sesión",
            "Una parte de este servicio no está disponible, y sin ella no dejamos entrar a nadie.",
            "Espere un minuto, vuelva a la aplicación {app} e inténtelo de nuevo.",
        ),
        internal: error(
            "Se ha producido un error por nuestra parte",
            "Un fallo de este servicio ha interrumpido su solicitud.",
            "Vuelva a la aplicación {app} e inténtelo de nuevo. Si vuelve a ocurrir, envíe la referencia que figura abajo a su administración.",
        ),
        not_found: error(
            "Esta página no existe",
            "Es posible que la dirección esté mal escrita o no esté actualizada.",
            "Para iniciar sesión, empiece desde la aplicación que desea utilizar.",
        ),
        method_not_allowed: error(
            "Esta página no funciona así",
            "La solicitud usó un método que esta dirección no acepta.",
            "Para iniciar sesión, empiece desde la aplicación que desea utilizar.",
        ),
        too_many_requests: error(
            "Demasiadas solicitudes",
            "Desde su red han llegado más solicitudes de las que aceptamos en tan poco tiempo.",
            "Espere un poco e inténtelo de nuevo.",
        ),
        logout_invalid: error(
            "Esta solicitud de cierre de sesión no es válida",
            "La aplicación {app} pidió cerrar su sesión de una forma que no podemos aceptar, por lo que no se ha cambiado nada.",
            "Vuelva a la aplicación e inténtelo de nuevo. Si vuelve a ocurrir, envíe la referencia que figura abajo a los responsables de la aplicación.",
        ),
    },
};
