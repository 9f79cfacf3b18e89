# Compiles the native module and the sources. Nothing of this stage but /app reaches the image.
FROM node:24-trixie AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/setup.mjs
RUN npm prune --omit=dev --no-audit --no-fund
RUN find node_modules/better-sqlite3 -type f ! -path '*/lib/*' ! -name package.json ! -name LICENSE ! -name better_sqlite3.node -delete
RUN mkdir -p app && cp -R dist node_modules package.json app/

# Node and libc, no compiler, no package manager.
FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="linkgrant" \
      org.opencontainers.image.description="Link token redemption service for Skupper v2 networks" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
# Owned by the user that the service runs as, so that a fresh volume mounted here is too.
RUN install -d -m 0700 -o 65534 -g 65534 /var/lib/linkgrant
COPY --from=build /build/app /app
COPY LICENSE /app/LICENSE
ENV NODE_ENV=production \
    LINKGRANT_DATA_DIR=/var/lib/linkgrant
WORKDIR /app
USER 65534:65534
VOLUME /var/lib/linkgrant
EXPOSE 9090 9091
# Everything written goes to the data directory: the root file system may be read-only.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
