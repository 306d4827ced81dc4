package main

import (
	"fmt"
	"io"
	"log"

	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"brownout/chaosserver"
)

// upstreamEnv is the address of the upstream of a server that is a proxy.
const upstreamEnv = "BROWNOUT_BENCH_UPSTREAM"

// proxyPath is what the proxies are asked for.
const proxyPath = "/api/v1/res10/items"

// proxyKinds are the servers that stand in front of an upstream, each in a process of its own.
var proxyKinds = map[string]func(upstream string) (string, error){
	"reverse":      func(up string) (string, error) { return listen(reverse(up, http.DefaultTransport, nil)) },
	"reversetuned": func(up string) (string, error) { return listen(reverse(up, tuned(), newBufferPool())) },
	"toxiproxy":    toxic,
	"oursproxy":    oursBefore(""),
	"oursproxy20":  oursBefore(stubs(20) + chance),
}

// oursBefore plays a scenario in front of the upstream.
func oursBefore(text string) func(string) (string, error) {
	return func(up string) (string, error) {
		return serve(text, chaosserver.WithUpstream(chaosserver.Upstream{URL: "http://" + up}))
	}
}

// stubs are so many routes that have no answers, so that the upstream answers.
func stubs(n int) string {
	var b strings.Builder
	b.WriteString("routes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {match: GET /api/v1/res%d/items}\n", i)
	}
	return b.String()
}

// reverse is the standard library's reverse proxy.
func reverse(upstream string, t http.RoundTripper, pool httputil.BufferPool) http.Handler {
	to := &url.URL{Scheme: "http", Host: upstream}
	return &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(to); r.SetXForwarded() },
		Transport:  t,
		BufferPool: pool,
		ErrorLog:   log.New(io.Discard, "", 0), // what a load that ends cuts short
	}
}

// tuned is a transport that keeps as many connections as the load has.
func tuned() http.RoundTripper {
	return &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true, IdleConnTimeout: time.Minute}
}

type bufferPool struct{ sync.Pool }

func newBufferPool() *bufferPool {
	p := new(bufferPool)
	p.New = func() any { b := make([]byte, 32<<10); return &b }
	return p
}

func (p *bufferPool) Get() []byte  { return *p.Pool.Get().(*[]byte) }
func (p *bufferPool) Put(b []byte) { p.Pool.Put(&b) }

// toxic is Toxiproxy without toxics, which copies bytes and knows nothing of HTTP.
func toxic(upstream string) (string, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "bench", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return "", err
	}
	return "http://" + p.Listen, nil
}

// proxies compares what stands in front of a bare net/http server with that server itself: requests per second in adjacent
// windows, and how much later answers come at 1,000 requests a second.
func proxies(pairs int) error {
	fmt.Printf("\nproxies in front of bare net/http: closed loop, %d connections; ratios to direct, median (quartiles) of %d rounds\n", connections, pairs)
	fmt.Printf("%-14s %-22s %s\n", "proxy", "requests/s", "CPU us a request (the proxy's alone)")
	up, err := newMeasured("bare", proxyPath)
	if err != nil {
		return err
	}
	defer up.stop()
	if err := os.Setenv(upstreamEnv, up.addr); err != nil {
		return err
	}
	names := []string{"reverse", "reversetuned", "oursproxy", "oursproxy20", "toxiproxy"}
	if wanted != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(wanted, n) })
	}
	for _, name := range names {
		if err := proxyRate(up, name, pairs); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("\n1,000 requests/s, 3,000 requests, median of %d rounds: ms to the last byte, and what the proxy adds to direct\n", rounds)
	return added(names)
}

// proxyRate prints one proxy's rate beside direct.
func proxyRate(up *measured, name string, pairs int) error {
	p, err := newMeasured(name, proxyPath)
	if err != nil {
		return err
	}
	defer p.stop()
	var rate, each []float64
	for i := range pairs + 1 {
		var direct, through sample
		for _, m := range []struct {
			m *measured
			s *sample
		}{{up, &direct}, {p, &through}, {p, &through}, {up, &direct}} {
			if err := m.m.window(m.s); err != nil {
				return err
			}
		}
		if i == 0 {
			continue // warms up
		}
		rate = append(rate, float64(through.answers)/float64(direct.answers))
		each = append(each, through.each())
	}
	fmt.Printf("%-14s %-22s %.1f\n", name, spread(rate), quantile(each, 0.5))
	return nil
}

// added prints how long answers take through each proxy, beside direct in the same rounds.
func added(names []string) error {
	const n, rate = 3000, 1000
	kinds := append([]string{"direct"}, names...)
	p50, p99 := make(map[string][]float64), make(map[string][]float64)
	for range rounds {
		for _, kind := range kinds {
			took, err := through(kind, n, rate)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			var ms []float64
			for _, d := range took {
				ms = append(ms, float64(d)/float64(time.Millisecond))
			}
			p50[kind] = append(p50[kind], quantile(ms, 0.5))
			p99[kind] = append(p99[kind], quantile(ms, 0.99))
		}
	}
	for _, kind := range kinds {
		a, b := quantile(p50[kind], 0.5), quantile(p99[kind], 0.5)
		fmt.Printf("%-14s p50 %.2f  p99 %.2f", kind, a, b)
		if kind != "direct" {
			fmt.Printf("  added p50 %.2f  p99 %.2f", a-quantile(p50["direct"], 0.5), b-quantile(p99["direct"], 0.5))
		}
		fmt.Println()
	}
	return nil
}

// through takes requests through a proxy, or to the upstream directly.
func through(kind string, n int, rate float64) ([]time.Duration, error) {
	addr := os.Getenv(upstreamEnv)
	if kind != "direct" {
		s, err := start(kind)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		addr = s.addr
	}
	l, err := newLoad(addr, 1000, func(int) string {
		return "GET " + proxyPath + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
	})
	if err != nil {
		return nil, err
	}
	defer l.close()
	if _, err := l.openLoop(n/10, rate); err != nil { // warms up
		return nil, err
	}
	return l.openLoop(n, rate)
}
