// The pages that a person would see: who are you, and do you want to sign out.

import { text } from 'node:stream/consumers';

const METHODS = ['pwd', 'otp', 'hwk', 'mfa'];

function escape(value) {
  return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<h1>${title}</h1>${body}</html>`;
}

function loginPage({ prompt, params, session }) {
  const wished = params.acr_values?.split(' ') ?? [];
  const acrs = ['', 'urn:example:silver', 'urn:example:gold'];
  const chosen = acrs.findLast((acr) => wished.includes(acr)) ?? '';
  const acrOptions = acrs.map(
    (acr) => `<option value="${acr}"${acr === chosen ? ' selected' : ''}>${acr || 'none'}</option>`,
  );
  const methods = METHODS.map(
    (amr) => `<label><input type="checkbox" name="amr" value="${amr}"
      ${amr === 'pwd' ? 'checked' : ''}> ${amr}</label>`,
  );
  const user = session?.accountId ?? params.login_hint ?? '';
  return page(
    'Sign in',
    `<form id="login" method="post">
<p id="prompt">${escape(prompt.name)}: ${escape(prompt.reasons.join(', '))}</p>
<label>User <input name="user" value="${escape(user)}" required autofocus></label>
<label>acr <select name="acr">${acrOptions.join('')}</select></label>
${methods.join('')}
<button name="action" value="continue">Continue</button>
<button name="action" value="cancel" formnovalidate>Cancel</button>
</form>`,
  );
}

function outcome(details, form) {
  if (form.get('action') === 'cancel') {
    return { error: 'access_denied', error_description: 'the user pressed cancel' };
  }
  const login = {
    accountId: form.get('user'),
    amr: form.getAll('amr'),
    ...(form.get('acr') ? { acr: form.get('acr') } : undefined),
  };
  switch (details.prompt.name) {
    case 'consent':
      return { consent: {} };
    case 'select_account':
      return { select_account: {}, login };
    default:
      return { login };
  }
}

// GET shows the login page, POST takes what was chosen in it.
export async function interact(provider, request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' });
    return response.end(loginPage(details));
  }
  const form = new URLSearchParams(await text(request));
  return provider.interactionFinished(request, response, outcome(details, form), {
    mergeWithLastSubmission: true,
  });
}

// `form` is the library's, with its anti-forgery field and without buttons.
export function logoutPage(ctx, form) {
  const buttons = `<button name="logout" value="yes">Sign out</button>
<button name="stay" value="yes">Stay signed in</button></form>`;
  ctx.body = page('Sign out', form.replace('</form>', buttons));
}
