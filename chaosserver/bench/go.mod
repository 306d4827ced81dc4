module brownout/chaosserver/bench

go 1.26.0

replace brownout => ../..

require (
	brownout v0.0.0
	github.com/gorilla/mux v1.8.1
	github.com/mccutchen/go-httpbin/v2 v2.26.0
)

require (
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.38.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
