# The server with both packaged models: docker build -t shortlist .     podman and buildah read this file, too.
#   docker run -p 8800:8800 -v shortlist:/data shortlist
#   docker run --rm -v shortlist:/data -v "$PWD/docs:/docs:ro" shortlist add /docs --index my-index
FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements-server.lock ./
RUN python -m venv /opt/shortlist \
 && /opt/shortlist/bin/pip install --no-cache-dir --require-hashes -r requirements-server.lock
COPY pyproject.toml MANIFEST.in README.md CHANGELOG.md LICENSE ./
COPY src src
RUN /opt/shortlist/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
RUN useradd --uid 1000 --create-home shortlist && install --directory --owner=1000 --group=1000 /data
COPY --from=build /opt/shortlist /opt/shortlist
# Models from the hub are stored next to the indexes. The packaged models are part of the image.
ENV PATH=/opt/shortlist/bin:$PATH HF_HOME=/data/models PYTHONUNBUFFERED=1
USER 1000
WORKDIR /data
VOLUME /data
EXPOSE 8800
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8800/ready', timeout=4)"]
ENTRYPOINT ["shortlist"]
CMD ["serve", "--host=0.0.0.0", "--port=8800"]
