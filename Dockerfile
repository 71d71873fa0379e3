# The project and what it needs, in a small image that runs as nobody in particular:
#
#   docker build --tag drmsmirror .
#   docker run --volume mirror:/mirror drmsmirror drmsmirror sync 'hmi.sharp_720s[4315]'

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY migrations migrations
COPY drmsmirror drmsmirror
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/drmsmirror \
 && /opt/drmsmirror/bin/pip install --no-cache-dir --constraint constraints.txt \
        "$(echo /wheels/drmsmirror-*.whl)[metrics,postgresql]"

FROM python:3.13-slim
RUN groupadd --gid 10001 drms \
 && useradd --uid 10001 --gid drms --no-create-home --home-dir /mirror drms \
 && install --directory --owner drms --group drms /mirror
COPY --from=build /opt/drmsmirror /opt/drmsmirror
ENV PATH=/opt/drmsmirror/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DRMSMIRROR_MIRROR=/mirror
USER 10001:10001
WORKDIR /mirror
VOLUME /mirror
STOPSIGNAL SIGTERM
CMD ["drmsmirror", "daemon"]
