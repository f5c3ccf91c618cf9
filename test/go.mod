module github.com/vedette-edr/vedette/test

go 1.26.0

replace github.com/vedette-edr/vedette/proto => ../proto

replace github.com/vedette-edr/vedette/bus => ../bus

replace github.com/vedette-edr/vedette/collector => ../collector

replace github.com/vedette-edr/vedette/analyzer => ../analyzer

replace github.com/vedette-edr/vedette/vedette => ../vedette

replace github.com/vedette-edr/vedette/bpf => ../bpf

require (
	github.com/cilium/ebpf v0.22.0
	github.com/google/go-cmp v0.7.0
	github.com/nats-io/nats.go v1.55.0
	github.com/vedette-edr/vedette/analyzer v0.0.0-00010101000000-000000000000
	github.com/vedette-edr/vedette/bpf v0.0.0-00010101000000-000000000000
	github.com/vedette-edr/vedette/bus v0.0.0-00010101000000-000000000000
	github.com/vedette-edr/vedette/collector v0.0.0-00010101000000-000000000000
	github.com/vedette-edr/vedette/proto v0.0.0
	go.yaml.in/yaml/v4 v4.0.0
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nats-server/v2 v2.15.2 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.0 // indirect
	github.com/rs/zerolog v1.35.1 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
