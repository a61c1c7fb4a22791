// A real OpenID Provider on loopback for the tests: npm oidc-provider with a login page that a
// test can fill in.
//
// Environment: PORT (default: a free one), ISSUER (default http://127.0.0.1:{port}; `{port}` is
// replaced), CLIENTS (JSON, client metadata of OpenID Connect Registration).
// Output: one line `ready <port>`. Commands, one per line of input, each answered by one line:
// `rotate` signs with new keys and keeps publishing the old ones, `rotate drop` drops the old ones,
// `clients <JSON>` replaces the clients, `claims userinfo` keeps claims out of ID tokens (OpenID
// Connect Core 5.4), `consume` marks all refresh tokens as used. Sessions and grants outlive each of them.
// `counts` tells as JSON how many pages a person was shown (`pages`) and how many authorization requests
// wanted none (`silent`).
// It ends with its input, so that nothing is left behind by a test that was killed.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

import Provider, { interactionPolicy } from 'oidc-provider';

import { interact, logoutPage } from './pages.mjs';
import { Store, consumeRefreshTokens } from './store.mjs';

const DEFAULT_CLIENTS = [
  {
    client_id: 'app',
    client_secret: 'app-secret-app-secret-app-secret',
    redirect_uris: ['https://app.example.com/auth/callback'],
    post_logout_redirect_uris: ['https://app.example.com/auth/logged-out'],
    grant_types: ['authorization_code', 'refresh_token'],
  },
];

const KINDS = [
  { alg: 'RS256', make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }) },
  { alg: 'ES256', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  { alg: 'EdDSA', make: () => generateKeyPairSync('ed25519') },
];

function newKeys() {
  return KINDS.map(({ alg, make }) => ({
    ...make().privateKey.export({ format: 'jwk' }),
    alg,
    use: 'sig',
    kid: `${alg}-${randomBytes(4).toString('hex')}`,
  }));
}

function prompts() {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  // `acr_values` is a wish (OpenID Connect Core 3.1.2.1): it shows the page once, and who signs in
  // there with less is let through.
  policy.get('login').checks.add(
    new interactionPolicy.Check('acr_values', 'the acr_values are not met', ({ oidc }) => {
      const wished = oidc.params.acr_values?.split(' ') ?? [];
      const met = wished.length === 0 || wished.includes(oidc.acr) || oidc.result?.login;
      return met
        ? interactionPolicy.Check.NO_NEED_TO_PROMPT
        : interactionPolicy.Check.REQUEST_PROMPT;
    }),
  );
  return policy;
}

async function grantEverything({ oidc }) {
  const known = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(oidc.client.clientId);
  const found = known && (await oidc.provider.Grant.find(known));
  const grant =
    found ||
    new oidc.provider.Grant({
      clientId: oidc.client.clientId,
      accountId: oidc.session.accountId,
    });
  grant.addOIDCScope([...oidc.requestParamScopes].join(' '));
  grant.addOIDCClaims([...oidc.requestParamClaims]);
  await grant.save();
  return grant;
}

function account(_ctx, id) {
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      name: `The user ${id}`,
      preferred_username: id,
      email: `${id}@example.com`,
      email_verified: true,
      groups: id === 'alice' ? ['staff', 'admins'] : ['staff'],
    }),
  };
}

function configuration(keys, clients, cookieKey, userinfoOnly) {
  return {
    adapter: Store,
    clients,
    jwks: { keys },
    acrValues: ['urn:example:silver', 'urn:example:gold'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'],
      profile: ['name', 'preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: userinfoOnly,
    cookies: { keys: [cookieKey] },
    enabledJWA: { idTokenSigningAlgValues: KINDS.map(({ alg }) => alg) },
    features: {
      claimsParameter: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      resourceIndicators: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: logoutPage },
      userinfo: { enabled: true },
    },
    findAccount: account,
    interactions: { policy: prompts(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    loadExistingGrant: grantEverything,
    renderError: (ctx, out) => {
      ctx.type = 'text';
      ctx.body = Object.entries(out).map(([key, value]) => `${key}: ${value}`).join('\n');
    },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: 3600,
      // Longer than tests move the app's clock to renew several times.
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
  };
}

class Server {
  #issuer;
  #keys = newKeys();
  #clients;
  #cookieKey = randomBytes(32).toString('base64url');
  #userinfoOnly = false;
  #provider;
  #callback;
  counts = { pages: 0, silent: 0 };

  constructor(issuer, clients) {
    this.#issuer = issuer;
    this.#clients = clients;
    this.#renew();
  }

  // The library reads keys and clients once; a new instance shares the old one's store.
  #renew() {
    const settings = configuration(
      structuredClone(this.#keys),
      this.#clients,
      this.#cookieKey,
      this.#userinfoOnly,
    );
    this.#provider = new Provider(this.#issuer, settings);
    this.#callback = this.#provider.callback();
  }

  rotate({ drop }) {
    this.#keys = drop ? newKeys() : [...newKeys(), ...this.#keys];
    this.#renew();
  }

  replaceClients(clients) {
    this.#clients = clients;
    this.#renew();
  }

  giveClaimsByUserinfoOnly() {
    this.#userinfoOnly = true;
    this.#renew();
  }

  #count({ method, url }) {
    const { pathname, searchParams } = new URL(url, this.#issuer);
    const shows = pathname.startsWith('/interaction/') || pathname === '/session/end';
    if (method === 'GET' && shows) this.counts.pages += 1;
    if (pathname === '/auth' && searchParams.get('prompt') === 'none') this.counts.silent += 1;
  }

  async answer(request, response) {
    this.#count(request);
    if (!request.url.startsWith('/interaction/')) {
      return this.#callback(request, response);
    }
    try {
      return await interact(this.#provider, request, response);
    } catch (error) {
      response.writeHead(400, { 'content-type': 'text/plain' });
      return response.end(`${error.name}: ${error.message}`);
    }
  }
}

function obey(server, line) {
  const [command, ...rest] = line.split(' ');
  const words = rest.join(' ');
  switch (command) {
    case 'rotate':
      server.rotate({ drop: words === 'drop' });
      return 'rotated';
    case 'clients':
      server.replaceClients(JSON.parse(words));
      return 'replaced';
    case 'counts':
      return JSON.stringify(server.counts);
    case 'consume':
      consumeRefreshTokens();
      return 'consumed';
    case 'claims':
      server.giveClaimsByUserinfoOnly();
      return 'given by userinfo';
    default:
      return `unknown command ${command}`;
  }
}

const http = createServer();
http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const { port } = http.address();
  const issuer = (process.env.ISSUER ?? 'http://127.0.0.1:{port}').replaceAll('{port}', port);
  const clients = process.env.CLIENTS ? JSON.parse(process.env.CLIENTS) : DEFAULT_CLIENTS;
  const server = new Server(issuer, clients);
  http.on('request', (request, response) => server.answer(request, response));
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => console.log(obey(server, line)));
  input.on('close', () => process.exit(0));
  console.log(`ready ${port}`);
});
