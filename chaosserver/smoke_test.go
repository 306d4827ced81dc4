package chaosserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"

	"brownout/scenarios"
)

func TestSmoke(t *testing.T) {
	s, err := scenarios.Parse("x.yaml", []byte(`name: x
routes:
  - match: GET /items/:id
    answers: [{status: 503, times: 2, retry_after: {in: 2s, as: date}}, {status: 200, json: {id: "pay_{call}_{id}"}, headers: {X-a: b}}]
  - match: GET /r
    answers: [{reset: before-headers}]
  - match: GET /c
    answers: [{close: before-headers}]
`))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for _, path := range []string{"/items/1", "/items/1", "/items/1", "/item/1", "/r", "/c"} {
		c, err := net.Dial("tcp", srv.URL()[7:])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nhost: x\r\nConnection: close\r\n\r\n", path)
		b, err := io.ReadAll(bufio.NewReader(c))
		fmt.Printf("%s\n%v\n", b, err)
		c.Close()
	}
}
