# The operators' image, from the repository's root: it reads every service's tables and runs none of them.
#   docker build -f deploy/docker/oversight.Dockerfile -t korrigo/oversight .
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS packages
COPY requirements/oversight.txt /requirements.txt
RUN pip install --no-cache-dir --no-deps --require-hashes --prefix /packages -r /requirements.txt

FROM python:${PYTHON}-slim
COPY --from=packages /packages /usr/local
WORKDIR /korrigo
COPY contracts contracts
COPY chassis chassis
COPY services services
COPY oversight oversight
RUN python -m compileall -q contracts chassis services oversight
ENV KORRIGO_LOG_FORMAT=json PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["python", "-m", "oversight"]
CMD ["watch"]
