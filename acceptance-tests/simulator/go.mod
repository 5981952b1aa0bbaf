module github.com/vio/terraform-provider-vio/acceptance-tests/simulator

go 1.26.8

require (
	github.com/google/uuid v1.6.0
	github.com/vmware/govmomi v0.56.0
	golang.org/x/sys v0.45.0
)

require gopkg.in/yaml.v3 v3.0.1 // indirect
