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
	github.com/nats-io/nats.go v1.55.0
	github.com/vedette-edr/vedette/bpf v0.0.0-00010101000000-000000000000
	github.com/vedette-edr/vedette/proto v0.0.0-00010101000000-000000000000
	go.yaml.in/yaml/v4 v4.0.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.0 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
