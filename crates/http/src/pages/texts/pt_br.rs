//! Portuguese as written in Brazil.

use super::{Dates, Errors, Texts, error};

/// Portuguese as written in Brazil.
pub(super) static PORTUGUESE: Texts<'static> = Texts {
    lang: "pt-BR",
    dir: "ltr",
    dates: Dates {
        months: [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
        first: "1",
        pattern: "{day} de {month} de {year}",
    },
    an_app: "",
    an_app_you_used: "um aplicativo que você usou",
    a_provider: "",
    back_to: "Voltar ao aplicativo {app}",
    choose_again: "Escolher outra forma de entrar",

    chooser_window: "Entrar no aplicativo {app}",
    chooser_title: "Entrar",
    chooser_lead: "Escolha como continuar para o aplicativo {app}.",
    chooser_continue: "Continuar com {provider}",
    chooser_sign_in: "Entrar com {provider}",
    chooser_last_used: "Último usado",
    chooser_trouble: "Com problemas no momento",
    chooser_returns: "Depois, você voltará para {place}.",
    chooser_email: "Endereço de e-mail",
    chooser_email_next: "Continuar",
    chooser_or: "ou",
    chooser_choose: "Escolha como continuar.",

    onward_title: "Redirecionando para {provider}",
    onward_hint: "Você entra na sua conta por lá e depois volta para cá. Se nada acontecer, use o botão.",
    onward_open: "Continuar para {provider}",

    signed_out_title: "Você saiu",
    signed_out_what: "Sua sessão aqui foi encerrada.",
    signed_out_told: "Estes aplicativos são avisados para que também encerrem sua sessão:",
    signed_out_also: "Sua sessão talvez continue aberta nos aplicativos e provedores que você usou. \
                      Em um computador compartilhado, saia deles também.",
    signed_out_going: "Você voltará em instantes.",

    logout_title: "Deseja sair?",
    logout_lead: "A solicitação veio de {app}. Sua sessão aqui será encerrada para todos os aplicativos deste navegador que dependem dela.",
    logout_yes: "Sair",
    logout_no: "Manter a sessão",
    logout_or_close: "Para manter a sessão, feche esta página.",

    return_title: "Voltando ao aplicativo {app}",
    return_hint: "O navegador pode pedir permissão para abrir o aplicativo. Se nada acontecer, use o botão.",
    return_open: "Abrir o aplicativo {app}",

    account_title: "Formas de entrar",
    account_person: "Você entrou como {person}.",
    account_lead: "Todas levam à mesma conta.",
    account_first_sign_in: "Adicionada em {date}, quando você entrou pela primeira vez",
    account_by_person: "Adicionada por você em {date}",
    account_by_email: "Adicionada em {date}, porque o endereço de e-mail é o mesmo",
    account_last_used: "Usada pela última vez em {date}",
    account_remove: "Remover {provider}",
    account_remove_sure: "Você não poderá mais entrar com {provider}, e os aplicativos que acessou por esse meio poderão encerrar sua sessão.",
    account_remove_yes: "Sim, remover {provider}",
    account_only: "Esta é sua única forma de entrar e, por isso, não pode ser removida. Para substituí-la, adicione outra primeiro.",
    account_add_title: "Adicionar outra forma",
    account_add: "Adicionar {provider}",
    account_current: "Sessão atual",
    account_added: "Uma forma de entrar foi adicionada. Você já pode usá-la.",
    account_removed: "A forma de entrar foi removida. Ela não pode mais ser usada.",
    account_stale: "Esta página ficou aberta por tempo demais; por isso, nada foi alterado. Tente novamente.",
    account_again: "Para adicionar ou remover uma forma de entrar, entre mais uma vez, para termos certeza de que é você.",
    account_back: "Voltar às formas de entrar",

    device_title: "Conectar um dispositivo",
    device_lead: "Digite o código mostrado no seu dispositivo.",
    device_compare: "Confira se o seu dispositivo mostra este código e continue somente nesse caso.",
    device_code: "Código",
    device_unknown: "Este código não é válido ou deixou de ser. Confira-o ou peça um novo ao dispositivo.",
    device_ask_title: "Entrar no aplicativo {app} no seu dispositivo?",
    device_warning: "Permita somente se você mesmo começou isto, em um dispositivo que está à sua frente. Se alguém enviou a você o \
                     código ou o link, negue.",
    device_shows: "O seu dispositivo deve mostrar este código:",
    device_scopes: "O aplicativo poderá então:",
    device_asked_at: "Solicitado",
    device_network: "Da rede",
    device_elsewhere: "Esta não é a rede que você está usando agora.",
    device_allow: "Permitir",
    device_deny: "Negar",
    device_allowed_title: "Seu dispositivo está conectado",
    device_allowed: "Volte ao seu dispositivo: em alguns segundos você terá entrado no aplicativo {app}.",
    device_denied_title: "O dispositivo foi recusado",
    device_denied: "O acesso do aplicativo {app} foi negado e nada foi compartilhado.",

    scope_profile: "ver seu nome e seu perfil",
    scope_email: "ver seu endereço de e-mail",
    scope_groups: "ver de quais grupos você faz parte",
    scope_offline_access: "manter a sessão aberta enquanto você não o usa",

    again_title: "Entre novamente primeiro",
    again_why: "Você está prestes a alterar o acesso a esta conta. Para termos certeza de que é você, pedimos que entre mais uma vez.",
    again_yes: "Entrar novamente",
    again_no: "Agora não",

    error_reference: "Referência",
    error_time: "Horário",
    error_developer: "Para quem desenvolve o aplicativo",

    help: "Ajuda",
    privacy: "Privacidade",
    footer: "",

    unrenderable: "Algo deu errado do nosso lado. Tente novamente.",

    errors: Errors {
        client_unknown: error(
            "Este aplicativo não está registrado",
            "O link que você seguiu indica um aplicativo que este serviço de login não conhece.",
            "Volte ao aplicativo e tente novamente. Se acontecer de novo, envie a referência abaixo aos responsáveis pelo aplicativo.",
        ),
        redirect_mismatch: error(
            "O endereço de retorno não corresponde",
            "O aplicativo {app} pediu para enviar você a um endereço que não está registrado para ele; paramos antes de compartilhar qualquer coisa.",
            "Você não pode corrigir isso. Envie a referência abaixo aos responsáveis pelo aplicativo.",
        ),
        request_invalid: error(
            "Esta solicitação de login não é válida",
            "O aplicativo {app} enviou uma solicitação que não podemos aceitar.",
            "Volte ao aplicativo e tente novamente. Se acontecer de novo, envie a referência abaixo aos responsáveis pelo aplicativo.",
        ),
        request_expired: error(
            "Este login expirou",
            "Ele demorou demais, já foi usado ou foi aberto em um navegador diferente daquele em que começou.",
            "Volte ao aplicativo {app} e entre novamente.",
        ),
        cookies_blocked: error(
            "Os cookies estão bloqueados",
            "O navegador não guardou o cookie que liga este login a você; por isso, não temos como saber que ele é seu.",
            "Permita cookies para este site, volte ao aplicativo {app} e entre novamente.",
        ),
        person_declined: error(
            "O login foi cancelado",
            "O provedor {provider} informa que você optou por não continuar; por isso, você não entrou.",
            "Volte ao aplicativo {app} para tentar novamente ou escolher outra forma de entrar.",
        ),
        upstream_unavailable: error(
            "Não foi possível contatar o provedor {provider}",
            "Pedimos ao provedor {provider} que fizesse seu login e não recebemos uma resposta utilizável.",
            "Aguarde um minuto, volte ao aplicativo {app} e tente novamente, ou escolha outra forma de entrar.",
        ),
        upstream_invalid: error(
            "Não foi possível fazer seu login",
            "A resposta do provedor {provider} não passou em nossas verificações; por isso, não a aceitamos.",
            "Volte ao aplicativo {app} e tente novamente. Se acontecer de novo, envie a referência abaixo à sua administração.",
        ),
        upstream_misconfigured: error(
            "Esta forma de entrar não está configurada corretamente",
            "O provedor {provider} se recusou a trabalhar com este serviço de login, e somente a administração do serviço pode mudar isso.",
            "Escolha outra forma de entrar ou envie a referência abaixo à sua administração.",
        ),
        provider_paused: error(
            "O provedor {provider} está com problemas no momento",
            "O login com o provedor {provider} falhou várias vezes seguidas; por isso, nós o suspendemos por alguns instantes.",
            "Escolha outra forma de entrar ou tente novamente em alguns minutos.",
        ),
        email_not_verified: error(
            "Seu endereço de e-mail não foi verificado",
            "O provedor {provider} não confirmou que o endereço de e-mail é seu, e isso é exigido para entrar aqui.",
            "Verifique seu endereço com o provedor {provider}, volte ao aplicativo {app} e entre novamente.",
        ),
        not_allowed: error(
            "Você não tem acesso",
            "Sabemos quem você é, mas uma regra não permite que esta conta entre no aplicativo {app}.",
            "Tente com outra conta ou envie a referência abaixo à sua administração para pedir acesso.",
        ),
        link_taken: error(
            "Esta conta já é usada aqui",
            "Outra pessoa já entra com esta conta do provedor {provider}; por isso, ela não pode ser adicionada à sua.",
            "Nada foi alterado. Escolha outra conta ou envie a referência abaixo à sua administração.",
        ),
        account_disabled: error(
            "Esta conta está desativada",
            "A administração desativou o login com esta conta.",
            "Se você acha que é um engano, envie a referência abaixo à sua administração.",
        ),
        clock_skew: error(
            "Os relógios não coincidem",
            "O horário do provedor {provider} e o daqui estão distantes demais para um login seguro.",
            "Tente novamente em alguns minutos. Se acontecer de novo, envie a referência abaixo à sua administração.",
        ),
        unavailable: error(
            "Não é possível entrar no momento",
            "Uma parte deste serviço não está disponível, e sem ela não deixamos ninguém entrar.",
            "Aguarde um minuto, volte ao aplicativo {app} e tente novamente.",
        ),
        internal: error(
            "Algo deu errado do nosso lado",
            "Uma falha neste serviço interrompeu sua solicitação.",
            "Volte ao aplicativo {app} e tente novamente. Se acontecer de novo, envie a referência abaixo à sua administração.",
        ),
        not_found: error(
            "Esta página não existe",
            "O endereço pode ter sido digitado incorretamente ou estar desatualizado.",
            "Para entrar, comece pelo aplicativo que deseja usar.",
        ),
        method_not_allowed: error(
            "Esta página não funciona assim",
            "A solicitação usou um método que este endereço não aceita.",
            "Para entrar, comece pelo aplicativo que deseja usar.",
        ),
        too_many_requests: error(
            "Solicitações demais",
            "Sua rede enviou mais solicitações do que aceitamos em tão pouco tempo.",
            "Aguarde um pouco e tente novamente.",
        ),
        logout_invalid: error(
            "Esta solicitação de saída não é válida",
            "O aplicativo {app} pediu para encerrar sua sessão de uma forma que não podemos aceitar; por isso, nada foi alterado.",
            "Volte ao aplicativo e tente novamente. Se acontecer de novo, envie a referência abaixo aos responsáveis pelo aplicativo.",
        ),
    },
};
