module github.com/vedette-edr/vedette/proto

go 1.26.0

require (
	github.com/planetscale/vtprotobuf v0.6.0
	golang.org/x/net v0.60.0
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.36.12
)
