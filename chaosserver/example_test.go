package chaosserver_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"

	"brownout/chaosserver"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func parse(text string) *scenarios.Scenario {
	s, err := scenarios.Parse("example.yaml", []byte(text))
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// A server on a loopback port fails twice, then answers; the journal has every attempt.
func Example() {
	srv, err := chaosserver.New(parse(`
name: two 503s, then fine
routes:
  - match: GET /items/:id
    answers: [{status: 503, times: 2}, {status: 200}]
`))
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	for range 3 {
		res, err := http.Get(srv.URL() + "/items/7")
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
	}
	for _, a := range srv.Journal().Log().Attempts {
		fmt.Println(a.Call, "attempt", a.N, "got", a.Status, "by", a.Reason)
	}
	// Output:
	// GET /items/7 #1 attempt 1 got 503 by answers[0]
	// GET /items/7 #1 attempt 2 got 503 by answers[0]
	// GET /items/7 #1 attempt 3 got 200 by answers[1]
}

// A server in memory needs no port. Each base URL of CallURL names a call.
func ExampleServer_StartMemory() {
	srv, err := chaosserver.New(parse("name: cut\nfaults: [{reset: before-headers, when: {call: 2}}]"))
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.StartMemory(); err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	for k := 1; k <= 2; k++ {
		res, err := srv.Client().Get(srv.CallURL(k) + "/")
		if err != nil {
			fmt.Println("reset:", errors.Is(err, syscall.ECONNRESET))
			continue
		}
		fmt.Println(res.Status)
		res.Body.Close()
	}
	// Output:
	// 200 OK
	// reset: true
}

// Await waits for what the journal shows, without sleeping.
func ExampleServer_Await() {
	srv, err := chaosserver.New(parse("name: fine"))
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	go http.Get(srv.URL() + "/a")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = srv.Await(ctx, func(l *journal.Log) bool { return len(l.Attempts) == 1 && l.Attempts[0].Whole })
	fmt.Println(srv.Journal().Log().Attempts[0].Target, err)
	// Output: /a <nil>
}

// A server is an http.Handler, for tests that have a server of their own.
func ExampleServer_ServeHTTP() {
	srv, err := chaosserver.New(parse("name: throttled\nroutes: [{match: GET /, answers: [{status: 429, retry_after: 2s}]}]"), chaosserver.AsHandler())
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ts := httptest.NewServer(srv)
	defer ts.Close()

	res, err := http.Get(ts.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status, res.Header["Retry-After"])
	// Output: 429 Too Many Requests [2]
}
