package suites_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/chaosserver"
	"brownout/chaosserver/journal"
	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

var _ = rule("CONN-001", func() {
	// second makes two calls of which the second meets a connection that ends under it.
	second := func(method, end string, options ...httpclient.Option) record {
		return observed(`
routes: [{match: /items, answers: [{status: 200}]}]
faults: [{`+end+`: before-headers, when: {conn_request: 2}}]
drive: {request: `+method+` /items, calls: 2, json: {item: 1}}
`, bundled(options...))
	}
	for _, end := range []string{"reset", "close"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			It(method+" recovers after a "+end, func() {
				r := second(method, end)
				Expect(r.ok(2)).To(BeTrue())
				atts := r.call(2)
				Expect(atts).To(HaveLen(2))
				Expect(atts[1].Conn).NotTo(Equal(atts[0].Conn))
			})
		}

		It("POST does not after a "+end, func() {
			r := second("POST", end)
			Expect(r.ok(2)).To(BeFalse())
			Expect(r.call(2)).To(HaveLen(1))
		})

		It("POST with a key recovers after a "+end, func() {
			r := second("POST", end, httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))
			Expect(r.ok(2)).To(BeTrue())
			atts := r.call(2)
			Expect(atts).To(HaveLen(2))
			Expect(field(&atts[0], "Idempotency-Key")).To(Equal(field(&atts[1], "Idempotency-Key")))
		})
	}
})

var _ = rule("CONN-002", func() {
	It("although the server reads on", inVirtualTime(func() {
		var after atomic.Int64 // bytes that came after the answer
		after.Store(-1)
		u := newUpstream(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/last" {
				return
			}
			conn := takeOver(w)
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
			n, _ := io.Copy(io.Discard, conn)
			after.Store(n)
		})
		base := u.base()
		defer u.stop(base)
		client := bundled(onceOnly)(base)
		Expect(get(context.Background(), client, "http://upstream.test/last").status).To(Equal(503))
		Expect(get(context.Background(), client, "http://upstream.test/next").good()).To(BeTrue())
		Expect(u.dialled()).To(Equal(2))
		synctest.Wait() // the upstream has read to the end of the connection
		Expect(after.Load()).To(BeZero())
	}))
})

// cut are answers to requests for "whole" of which not all came.
var cut = map[string]string{
	"5 bytes of 100":           "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwhole",
	"chunks without the last":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
	"the middle of the header": "HTTP/1.1 200 OK\r\nContent-Len",
	"half of a gzip stream":    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + zipped("whole")[:20],
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

var _ = rule("CONN-003", func() {
	// breaking makes a GET whose first n answers break off, and returns how many attempts it took.
	breaking := func(answer string, n int32, options ...httpclient.Option) (op, int) {
		var attempts atomic.Int32
		u := newUpstream(func(w http.ResponseWriter, _ *http.Request) {
			conn := takeOver(w)
			defer conn.Close()
			if attempts.Add(1) <= n {
				_, _ = io.WriteString(conn, answer)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")
		})
		base := u.base()
		defer u.stop(base)
		o := get(context.Background(), bundled(options...)(base), "http://upstream.test/")
		return o, int(attempts.Load())
	}
	for _, name := range slices.Sorted(maps.Keys(cut)) {
		answer := cut[name]
		It("handed on as it comes: "+name, inVirtualTime(func() {
			o, attempts := breaking(answer, 100)
			Expect(o.err).To(HaveOccurred())
			Expect(attempts).To(BeNumerically("<=", resilience.DefaultMaxAttempts))
		}))

		It("and worth another attempt, where answers are read first: "+name, inVirtualTime(func() {
			o, attempts := breaking(answer, 2, httpclient.WithAnswerBuffer(64<<10))
			Expect(o.good()).To(BeTrue())
			Expect(o.body).To(Equal("whole"))
			Expect(attempts).To(Equal(3))
		}))
	}
})

var _ = rule("CONN-004", func() {
	DescribeTable("nor of anything else",
		func(stray string) {
			log.SetOutput(GinkgoWriter) // net/http says that it met them
			DeferCleanup(func() { log.SetOutput(os.Stderr) })
			suites.InBubble(theT(), func() {
				u := newUpstream(func(w http.ResponseWriter, req *http.Request) {
					if req.URL.Path != "/first" {
						_, _ = io.WriteString(w, "mine")
						return
					}
					conn := takeOver(w)
					defer conn.Close()
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
					time.Sleep(50 * time.Millisecond)
					_, _ = io.WriteString(conn, stray)
				})
				base := u.base()
				defer u.stop(base)
				client := bundled()(base)
				Expect(get(context.Background(), client, "http://upstream.test/first").body).To(Equal("first"))
				time.Sleep(time.Second)
				o := get(context.Background(), client, "http://upstream.test/second")
				Expect(o.good()).To(BeTrue())
				Expect(o.body).To(Equal("mine"))
				Expect(u.dialled()).To(Equal(2))
			})
		},
		Entry("a 408", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\nConnection: close\r\n\r\nstray"),
		Entry("a 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"),
		Entry("noise", "\x00\xff\x00\xff"),
	)
})

var _ = rule("CONN-006", func() {
	It("200 failures take one connection", func() {
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 503, size: 2KiB}, {status: 200, size: 2KiB}]}]
drive: {request: GET /items/:call, calls: 200}
expect: [succeeds: all, attempts: {per_call: 2}, connections: {max: 1}]
`, bundled(httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})))).To(suites.Pass())
	})

	const slow = `
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 100ms}]}]
drive: {request: GET /items/:call, calls: 100, concurrency: 100}
expect: [succeeds: all, connections: {open: 8}]
`
	It("100 calls to a slow server have as many as the bulkhead has places", func() {
		places := bundled(httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 8, MaxQueue: 100}))
		Expect(judged(slow, func(base http.RoundTripper) *http.Client {
			base.(*http.Transport).MaxIdleConnsPerHost = 8 // of its own accord it keeps two, and closes what is given back beside those
			return places(base)
		})).To(suites.Pass())
	})

	It("which is not so without one", func() {
		Expect(judged(slow, bundled())).To(suites.FailOnly("connections"))
	})

	It("none is left when the client has closed its idle ones", inVirtualTime(func() {
		srv := must(chaosserver.New(scenario(slow)))
		Expect(srv.StartMemory()).To(Succeed())
		defer srv.Close()
		client := bundled()(&http.Transport{DialContext: srv.DialContext, MaxIdleConnsPerHost: 100})
		load(100, 0, func(i int) op { return get(context.Background(), client, srv.CallURL(i+1)+text("/items/%d", i)) })
		closed := func() int {
			synctest.Wait()
			n := 0
			for _, c := range srv.Journal().Log().Conns {
				if c.Closed == journal.ClosedByClientFIN {
					n++
				}
			}
			return n
		}
		Expect(closed()).To(BeZero())
		client.CloseIdleConnections()
		Expect(closed()).To(Equal(100))
	}))
})

var _ = rule("CONN-009", func() {
	It("whatever it says", func() {
		Expect(judged(`
routes:
  - {match: GET /a, answers: [{status: 503, headers: {Content-Type: application/problem+json}, json: {status: "200"}}, {status: 200}]}
  - {match: GET /b, answers: [{status: 503, headers: {Content-Type: application/problem+json}, json: {type: 7, status: [], title: {}}}, {status: 200}]}
  - {match: GET /c, answers: [{status: 503, headers: {Content-Type: application/problem+json}, text: '{{"status": 20'}, {status: 200}]}
  - {match: GET /d, answers: [{status: 503, headers: {Content-Type: application/problem+json}, size: 10MiB}, {status: 200}]}
  - {match: GET /e, name: final, answers: [{status: 404, headers: {Content-Type: application/problem+json}, json: {status: 503}}, {status: 200, optional: true}]}
drive: {request: [GET /a, GET /b, GET /c, GET /d, GET /e]}
expect: [retries_on: {exactly: 503}, attempts: {max: 2}, never_retries]
`, bundled())).To(suites.Pass())
	})
})
