# Compiles the sources and builds the console. Of this stage, only /linkgrant/app reaches the image.
FROM node:24-trixie-slim AS build
# `npm sbom` names the project after this directory.
WORKDIR /linkgrant
COPY package.json package-lock.json .npmrc tsconfig.json openapi.yaml ./
COPY scripts ./scripts
COPY src ./src
COPY deploy/bootstrap ./deploy/bootstrap
COPY console ./console
# No package of the image needs its install script.
RUN npm_config_ignore_scripts=true node scripts/setup.mjs --console
# Neither the sources of the console nor the Node of the workspace `scripts` are needed further.
RUN npm pkg delete workspaces && rm -r console
RUN npm prune --omit=dev --no-audit --no-fund
# The bill of materials of the npm packages in the image (CycloneDX). `npm sbom` reports pruned devDependencies as missing, so
# they are removed from package.json. Its --omit=dev would also omit runtime packages that devDependencies need too.
RUN npm pkg delete devDependencies
RUN mkdir app && npm sbom --sbom-format=cyclonedx >app/sbom.cdx.json
# Types, source maps and the state of the compiler are for development. In the Kubernetes client they are more than half of its
# size.
RUN find dist node_modules -type f \( -name .tsbuildinfo -o -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
# `token issue --print` prints files of deploy/bootstrap.
RUN cp -R dist node_modules package.json deploy app/

# Node without its package managers, and no compiler.
FROM node:24-trixie-slim
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="linkgrant" \
      org.opencontainers.image.description="Link token redemption service for Skupper v2 networks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
# A new volume mounted here gets this owner and mode, so the user below can write to it, and so can any user in group 0, as on
# OpenShift. The service creates the data directory in it, with access for its own user only.
RUN install -d -m 0770 -o 65534 -g 0 /var/lib/linkgrant
COPY --from=build /linkgrant/app /app
COPY LICENSE /app/LICENSE
ENV NODE_ENV=production \
    LINKGRANT_DATA_DIR=/var/lib/linkgrant/data
WORKDIR /app
USER 65534:65534
VOLUME /var/lib/linkgrant
EXPOSE 9090 9091
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["node", "/app/dist/main.js", "health"]
# The service writes only to the data directory, so the root file system may be read-only. It handles SIGTERM as process 1, so it
# needs no init.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
