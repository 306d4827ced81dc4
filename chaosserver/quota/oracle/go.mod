module brownout/chaosserver/quota/oracle

go 1.26.0

require brownout v0.0.0

require (
	github.com/dunglas/httpsfv v1.1.2
	github.com/gorilla/mux v1.8.1 // indirect
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.38.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace brownout => ../../..
