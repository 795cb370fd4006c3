# One image for `serve` (the default) and `work`. Small, not root, with nothing of the sandbox in it.
#
#   docker build -t tangrat .
#   docker build -t tangrat-sandbox --build-arg EXTRAS=sandbox .     also the simulated state and the embedded MongoDB
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=""
WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/tangrat \
 && if [ "$EXTRAS" = "sandbox" ]; then lock=requirements/dev.lock; else lock=requirements/production.lock; fi \
 && /opt/tangrat/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r "$lock"
COPY pyproject.toml README.md ./
COPY foundation/ foundation/
COPY trust/ trust/
COPY notifications/ notifications/
COPY agencies/ agencies/
COPY lifeevents/ lifeevents/
COPY resolvers/ resolvers/
COPY sandbox/ sandbox/
COPY backend/ backend/
RUN /opt/tangrat/bin/pip install --no-cache-dir --disable-pip-version-check "setuptools==84.2.1" \
 && /opt/tangrat/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/tangrat/bin/python -m compileall -q /opt/tangrat

FROM python:3.11-slim-bookworm
ARG EXTRAS=""
# The embedded MongoDB is linked against libcurl; no other image needs it.
RUN if [ "$EXTRAS" = "sandbox" ]; then apt-get update && apt-get install -y --no-install-recommends libcurl4 && rm -rf /var/lib/apt/lists/*; fi \
 && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin tangrat
COPY --from=build /opt/tangrat /opt/tangrat
ENV PATH=/opt/tangrat/bin:$PATH PYTHONUNBUFFERED=1 TANGRAT_HOST=0.0.0.0
USER 10001
EXPOSE 8000 8001
# Asks whichever of the two runs here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["tangrat", "check", "--health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tangrat"]
CMD ["serve"]
