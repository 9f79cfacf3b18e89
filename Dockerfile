# Compiles the sources and builds the console. Nothing of this stage but /app reaches the image.
FROM node:24-trixie-slim AS build
# npm calls what it lists by the name of this directory.
WORKDIR /linkgrant
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
COPY deploy/bootstrap ./deploy/bootstrap
COPY console ./console
# No install script is needed: this Node has SQLite, so better-sqlite3 is neither compiled nor in the image.
RUN npm_config_ignore_scripts=true node scripts/setup.mjs --console
# The console is built; its workspace and packages are for development alone.
RUN npm pkg delete workspaces optionalDependencies.better-sqlite3 && rm -r console
RUN npm prune --omit=dev --no-audit --no-fund
# What is in the image beside Node and Debian, as CycloneDX. npm would leave out with --omit=dev what development needs as
# well, and complains of what it was told to prune.
RUN npm pkg delete devDependencies
RUN mkdir app && npm sbom --sbom-format=cyclonedx >app/sbom.cdx.json
# Types and source maps are for development; in the Kubernetes client they are more than half of its size.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
# `token issue --print` prints the files of deploy.
RUN cp -R dist node_modules package.json deploy app/

# Node and libc, no compiler, no package manager.
FROM node:24-trixie-slim
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="linkgrant" \
      org.opencontainers.image.description="Link token redemption service for Skupper v2 networks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
# A fresh volume mounted here is owned alike, so the user below can write to it, and so can any other in group 0, as
# OpenShift runs it. The data directory is made in it, for its user alone, however a volume is mounted.
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
# Everything written goes to the data directory: the root file system may be read-only. It ends on SIGTERM as process 1 too,
# and needs no other init.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
