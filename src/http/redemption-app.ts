import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { RouteOperation } from '../domain/listener-counts.js';
import type { GrantTarget } from '../redemption/accepting/prove-code.js';
import { answerCheck, answerRedemption, answerRenewal, answerUnknownRoute } from './redemption-answers.js';
import type { RedemptionAppDependencies } from './redemption-dependencies.js';
import { requestHandler } from './request-handler.js';
import { grantByKey, grantByUid, type PathParameters, routePath } from './request-path.js';

/** Creates the app of the public listener: every route that a client can reach is below. */
export function createRedemptionApp(deps: RedemptionAppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.enable('strict routing');

  const handle = requestHandler(deps);
  const route =
    (operation: RouteOperation, answer: typeof answerRenewal): RequestHandler =>
    (request, response) =>
      handle({ request, response }, operation, (exchange) => answer(exchange, deps));
  const grantRoute =
    (
      operation: RouteOperation,
      targetOf: (parameters: PathParameters) => GrantTarget | undefined,
      answer: typeof answerRedemption,
    ): RequestHandler =>
    (request, response, next) => {
      const target = targetOf(request.params);
      if (!target) return next();
      return handle({ request, response }, operation, (exchange) => answer(exchange, deps, target));
    };

  // For a browser that opens a token's URL. Helmet's other headers concern pages with content.
  app.use(
    helmet.contentSecurityPolicy({ useDefaults: false, directives: { defaultSrc: ["'none'"] } }),
    // Other hosts of the domain, and other ports of this host, may serve plain HTTP.
    helmet.strictTransportSecurity({ includeSubDomains: false }),
    helmet.xContentTypeOptions(),
  );
  app.use((request, _response, next) => {
    request.url = routePath(request.url, deps.pathPrefix);
    next();
  });
  app.post('/:grantUid', grantRoute('redeem', grantByUid, answerRedemption));
  app.post('/:grantUid/-/check', grantRoute('check', grantByUid, answerCheck));
  app.post('/-/renew', route('renew', answerRenewal));
  if (deps.allowRedeemByKey) {
    app.post('/:namespace/:grantName', grantRoute('redeem', grantByKey, answerRedemption));
    app.post('/:namespace/:grantName/-/check', grantRoute('check', grantByKey, answerCheck));
  }
  app.use(route('other', answerUnknownRoute));
  return app;
}
