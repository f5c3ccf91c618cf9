FROM scratch
COPY bin/vedette-analyzer /vedette-analyzer
COPY --chown=10103:10100 deploy/docker/volume /var/lib/vedette/analyzer
COPY --chown=10103:10100 deploy/docker/volume /var/log/vedette
ENTRYPOINT ["/vedette-analyzer"]
