package delivery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// tape is a record of deliveries.
type tape struct {
	base time.Time

	mu    sync.Mutex // guards what follows
	begun []journal.DeliveryRecord
	ended map[uint64]journal.DeliveryEnd
}

func newTape() *tape { return &tape{base: time.Now(), ended: map[uint64]journal.DeliveryEnd{}} }

func (t *tape) At(at time.Time) time.Duration { return at.Sub(t.base) }

func (t *tape) Delivery(r journal.DeliveryRecord) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun = append(t.begun, r)
}

func (t *tape) Delivered(r journal.DeliveryEnd) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended[r.ID] = r
}

// failures are the failures of the deliveries, in the order in which they began.
func (t *tape) failures() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, d := range t.begun {
		list = append(list, t.ended[d.ID].Failure)
	}
	return list
}

// deliveriesOf reads a scenario of deliveries.
func deliveriesOf(t testing.TB, text string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("deliveries.yaml", []byte("name: deliveries\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listen is a raw consumer on a port of its own.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// start starts the deliveries of a scenario to a port.
func start(t testing.TB, s *scenarios.Scenario, addr string) (*Engine, *tape) {
	t.Helper()
	record := newTape()
	e, err := New(s, Consumer{URL: "http://" + addr}, record)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Start()
	return e, record
}

// accept waits for the next connection.
func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

const accepted = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

// TestWire holds a delivery to its bytes.
func TestWire(t *testing.T) {
	l := listen(t)
	e, record := start(t, deliveriesOf(t, `deliveries: [{event: evt_1, sender: github, to: "/hooks?a=1", text: "Hello, World!", type: push, headers: {X-A: "{event} {nth}"},
  secret: "It's a Secret to Everybody"}]`), l.Addr().String())
	c := accept(t, l)
	want := "POST /hooks?a=1 HTTP/1.1\r\nHost: " + l.Addr().String() + "\r\nUser-Agent: brownout-webhooks/1\r\nContent-Type: application/json\r\n" +
		"X-GitHub-Event: push\r\nX-GitHub-Delivery: evt_1\r\n" +
		"X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n" +
		"X-A: evt_1 1\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%v, got\n%s\nwant\n%s", err, got, want)
	}
	say(t, c, "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\nok")
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("behind the request came %q, %v; want the connection's end alone", rest, err)
	}
	if err := e.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, end := record.begun[0], record.ended[1]
	if d.Path != "/hooks?a=1" || d.N != 1 || d.Copy != 1 || end.Status != 200 || end.Failure != "" {
		t.Errorf("recorded is %+v, %+v", d, end)
	}
	if !(d.Planned <= d.Sent && d.Sent <= end.Written && end.Written <= end.Answered && end.Answered <= end.Done) {
		t.Errorf("the instants are out of order: %+v, %+v", d, end)
	}
}

func say(t *testing.T, c net.Conn, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if _, err := io.WriteString(c, p); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopiesAtOneInstant: each copy has a connection of its own, and all of them are the same bytes.
func TestCopiesAtOneInstant(t *testing.T) {
	const copies = 10
	l := listen(t)
	e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, copies: 10}]"), l.Addr().String())
	conns := make([]net.Conn, copies)
	for i := range conns {
		conns[i] = accept(t, l)
	}
	requests := map[string]int{}
	for _, c := range conns {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		requests[fmt.Sprint(r.Header, string(body))]++
		say(t, c, accepted)
	}
	if err := e.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(requests) != 1 {
		t.Errorf("the copies were %d different requests: %v", len(requests), requests)
	}
	var numbers, marks []int
	for _, d := range record.begun {
		numbers, marks = append(numbers, d.N), append(marks, d.Copy)
	}
	slices.Sort(numbers)
	slices.Sort(marks)
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(numbers, want) || !slices.Equal(marks, want) {
		t.Errorf("the ordinals are %v, of the copies %v", numbers, marks)
	}
}

// gatedDial lets connections through to a consumer one by one.
type gatedDial struct {
	l    net.Listener
	made chan struct{} // one for each connection that is made
	gate chan struct{} // lets one more be made
}

func (g *gatedDial) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	<-g.gate
	c, err := new(net.Dialer).DialContext(ctx, network, g.l.Addr().String())
	g.made <- struct{}{}
	return c, err
}

// TestConnectFirst: no copy leaves while the connection of another is still to be made.
func TestConnectFirst(t *testing.T) {
	g := &gatedDial{listen(t), make(chan struct{}, 3), make(chan struct{}, 3)}
	record := newTape()
	e, err := New(deliveriesOf(t, "deliveries: [{event: a, copies: 3}]"), Consumer{URL: "http://consumer.test", Dial: g.dial}, record)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Start()
	var conns []net.Conn
	for range 2 {
		g.gate <- struct{}{}
		<-g.made
		conns = append(conns, accept(t, g.l))
	}
	record.mu.Lock()
	if len(record.begun) > 0 {
		t.Errorf("%d copies left before the last one had its connection", len(record.begun))
	}
	record.mu.Unlock()
	g.gate <- struct{}{}
	<-g.made
	for _, c := range append(conns, accept(t, g.l)) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			t.Fatal(err)
		}
		say(t, c, accepted)
	}
	if err := e.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestWhatConsumersDo: the record says what became of a delivery, and by which bound.
func TestWhatConsumersDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		does   func(*testing.T, net.Conn)
		status int
		want   string
	}{
		{"closes", func(t *testing.T, c net.Conn) { must(t, c.Close()) }, 0, "no answer came: "},
		{"closes once it has read", func(t *testing.T, c net.Conn) { read(t, c); must(t, c.Close()) }, 0, "no answer came: the consumer closed the connection"},
		{"resets", func(t *testing.T, c net.Conn) { read(t, c); must(t, c.(*net.TCPConn).SetLinger(0)); must(t, c.Close()) }, 0, "no answer came: connection reset by peer"},
		{"is silent", func(t *testing.T, c net.Conn) { read(t, c) }, 0, "no answer within 100ms"},
		{"stops within the status line", func(t *testing.T, c net.Conn) { read(t, c); say(t, c, "HTTP/1.1 20") }, 0, "no answer within 100ms"},
		{"stops within the header", func(t *testing.T, c net.Conn) { read(t, c); say(t, c, "HTTP/1.1 200 OK\r\nX-A: ") }, 0, "no answer within 100ms"},
		{"stops within the body", func(t *testing.T, c net.Conn) {
			read(t, c)
			say(t, c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
		}, 200, "no answer within 100ms"},
		{"breaks off in the body", func(t *testing.T, c net.Conn) {
			read(t, c)
			say(t, c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
			must(t, c.Close())
		}, 200, "the answer broke off: the consumer closed the connection"},
		{"speaks no HTTP", func(t *testing.T, c net.Conn) { read(t, c); say(t, c, "SSH-2.0-OpenSSH\r\n") }, 0, "no answer came: malformed HTTP"},
		{"answers more than is read", func(t *testing.T, c net.Conn) {
			read(t, c)
			say(t, c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", strings.Repeat("a", mostAnswer))
		}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t)
			timeout := "1m"
			if strings.HasPrefix(c.want, "no answer within") {
				timeout = "100ms"
			}
			e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, timeout: "+timeout+"}]"), l.Addr().String())
			c.does(t, accept(t, l))
			if err := e.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			end := record.ended[1]
			if end.Status != c.status || !strings.HasPrefix(end.Failure, c.want) || c.want == "" && end.Failure != "" {
				t.Errorf("recorded are %d and %q, want %d and %q", end.Status, end.Failure, c.status, c.want)
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		l := listen(t)
		must(t, l.Close())
		e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, retry: [0s]}]"), l.Addr().String())
		if err := e.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := record.failures(); !slices.Equal(got, []string{"no connection: connection refused", "no connection: connection refused"}) {
			t.Errorf("the failures are %q", got)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read reads a whole request.
func read(t *testing.T, c net.Conn) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
}

// TestStops: a consumer that wants no more of it is not sent it again.
func TestStops(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 410 Gone\r\n\r\n", "HTTP/1.1 500 Oh\r\nX-Slack-No-Retry: 1\r\n\r\n"} {
		l := listen(t)
		e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, sender: slack, retry: [0s, 0s]}]"), l.Addr().String())
		c := accept(t, l)
		read(t, c)
		say(t, c, answer)
		must(t, c.Close())
		if err := e.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(record.begun) != 1 {
			t.Errorf("after %q %d deliveries were sent", answer, len(record.begun))
		}
	}
}

// TestBounded: however much is due, no more than so many connections are open at once.
func TestBounded(t *testing.T) {
	l := listen(t)
	e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, events: 200, copies: 2}]"), l.Addr().String())
	var held []net.Conn
	for range MaxOpen {
		held = append(held, accept(t, l))
	}
	if free := len(e.slots.free); free != 0 {
		t.Errorf("with %d connections open %d more may be made", MaxOpen, free)
	}
	for _, c := range held {
		read(t, c)
		say(t, c, accepted)
		must(t, c.Close())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 400 - MaxOpen {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, accepted)
			}
			_ = c.Close()
		}
	}()
	if err := e.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	if len(record.begun) != 400 {
		t.Errorf("%d deliveries were sent, want 400", len(record.begun))
	}
}

// TestClose: what is under way is cut short, recorded as such, and nothing is sent afterwards.
func TestClose(t *testing.T) {
	l := listen(t)
	e, record := start(t, deliveriesOf(t, "deliveries: [{event: a, retry: [0s]}, {event: b, when: {elapsed: 1h}}]"), l.Addr().String())
	c := accept(t, l)
	read(t, c)
	e.Close()
	if got := record.failures(); !slices.Equal(got, []string{stopped}) {
		t.Errorf("the failures are %q", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Wait(ended); err != nil {
		t.Errorf("once it is closed nothing is pending, got %v", err)
	}
}

// TestAddresses: a consumer's address is looked through before anything is sent.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"http://127.0.0.1:3000", ""},
		{"http://localhost:3000/base/", ""},
		{"http://[::1]:3000", ""},
		{"https://127.0.0.1:3000", ""},
		{"http://example.com", "example.com is not a loopback address"},
		{"http://10.0.0.1", "10.0.0.1 is not a loopback address"},
		{"ftp://127.0.0.1", "the consumer's URL is http://HOST:PORT"},
		{"127.0.0.1:3000", "cannot be read"},
		{"/hooks", "the consumer's URL is http://HOST:PORT"},
		{"http://127.0.0.1:3000?x=1", "neither query nor fragment nor user"},
		{"http://me:secret@127.0.0.1", "neither query nor fragment nor user, got \"http://me:xxxxx@127.0.0.1\""},
	} {
		err := (&Consumer{URL: c.url}).Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		}
	}
	if err := (&Consumer{URL: "http://example.com", Remote: true}).Check(); err != nil {
		t.Errorf("another machine that is allowed: %v", err)
	}
	if err := (&Consumer{URL: "http://example.com"}).Check(); !IsRemote(err) {
		t.Errorf("another machine: %v", err)
	}
}
