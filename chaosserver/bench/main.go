// Command bench measures the chaos server beside a bare net/http server, gorilla/mux and go-httpbin, and as a
// proxy beside net/http/httputil and Toxiproxy, in the same run.
//
//	go run . [-only rates,delay,flight,start,proxy,quota,idle,slow,unique] [-pairs 8] [-servers ours20,vars20]
//
// Every server is a process of its own, so that its CPU time can be read (getrusage). Requests come over 64 loopback
// connections that are kept alive, from one thread that waits in epoll. Two servers are compared in adjacent windows of
// one second, in the order A B B A, and the median ratio is printed with its quartiles: absolute rates drift by a third
// within minutes, ratios do not. It needs Linux.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	if kind := os.Getenv(serverEnv); kind != "" {
		if err := beServer(kind); err != nil {
			fail(err)
		}
		return
	}
	only := flag.String("only", "", "comma-separated parts to run: rates, delay, flight, start, proxy, quota, idle, slow, unique; none: all")
	flag.Func("servers", "comma-separated servers or proxies that are compared; none: all", func(s string) error {
		wanted = strings.Split(s, ",")
		return nil
	})
	pairs := flag.Int("pairs", 8, "ABBA windows for each comparison of rates")
	flag.Parse()
	for _, part := range []struct {
		name string
		run  func(pairs int) error
	}{{"rates", rates}, {"delay", delays}, {"flight", inFlight}, {"start", starts}, {"proxy", proxies},
		{"quota", quotas}, {"idle", idlers}, {"slow", slowSenders}, {"unique", uniques}} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), part.name) {
			continue
		}
		if err := part.run(*pairs); err != nil {
			fail(fmt.Errorf("%s: %w", part.name, err))
		}
	}
}

// wanted are the servers whose rates are compared; nil: all.
var wanted []string

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// quantile returns the q-quantile of the values, 0 to 1, between its neighbours on a straight line.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	at := q * float64(len(v)-1)
	i := int(at)
	if i == len(v)-1 {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
