# The image holds Debian packages and Python wheels under their own licences. Kandian itself is MIT; scapy is GPL-2.0-only
# and is installed unchanged, the PyAV wheel carries FFmpeg libraries (LGPL, in parts GPL), fonts-noto-cjk is OFL-1.1.
# Whoever passes the image on passes these on as well and owes what their licences ask.
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install --yes --no-install-recommends fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/kandian
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY specs specs
COPY conformance conformance
COPY simulators simulators
COPY reports reports
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
RUN useradd --create-home kandian
USER kandian
WORKDIR /work
ENTRYPOINT ["kandian"]
