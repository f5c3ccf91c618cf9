FROM scratch
COPY bin/vedette-collector /vedette-collector
ENTRYPOINT ["/vedette-collector"]
