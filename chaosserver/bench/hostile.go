package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The parts of this file press the server as a hostile or broken client does, and say what it takes and what others feel.

// idlers opens 10,000 connections, and uses each of them once.
func idlers(int) error {
	const n = 10_000
	fmt.Printf("\n%d idle connections: memory for one, and how long another client's answers take, in ms, at 500 requests/s\n", n)
	if err := needFiles(n + 100); err != nil {
		return err
	}
	for _, kind := range []string{"bare", "plain20"} {
		if err := idle(kind, n); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func idle(kind string, n int) error {
	s, err := start(kind)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := others(s, kind+" before"); err != nil {
		return err
	}
	_, before, err := s.usage()
	if err != nil {
		return err
	}
	l, err := newLoad(s.addr, n, func(int) string { return request("GET", "/api/v1/res10/items", "") })
	if err != nil {
		return err
	}
	defer l.close()
	_, unused, err := s.usage()
	if err != nil {
		return err
	}
	if err := l.once(); err != nil {
		return err
	}
	_, used, err := s.usage()
	if err != nil {
		return err
	}
	fmt.Printf("%-16s KiB a connection: accepted %.1f, used once %.1f\n", kind, float64(unused-before)/float64(n), float64(used-before)/float64(n))
	return others(s, kind+" beside")
}

// needFiles raises the bound on open files where it is lower, as far as it may.
func needFiles(n uint64) error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return err
	}
	if r.Cur >= n {
		return nil
	}
	r.Cur, r.Max = n, max(r.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return fmt.Errorf("%d open files are needed: %w; raise ulimit -n", n, err)
	}
	return nil
}

// others measures the answers that another client gets.
func others(s *server, when string) error {
	l, err := newLoad(s.addr, 400, func(int) string { return request("GET", "/api/v1/res10/items", "") })
	if err != nil {
		return err
	}
	defer l.close()
	took, err := l.openLoop(1000, 500)
	if err != nil {
		return err
	}
	var ms []float64
	for _, d := range took {
		ms = append(ms, float64(d)/float64(time.Millisecond))
	}
	fmt.Printf("%-16s p50 %.2f  p99 %.2f\n", when, quantile(ms, 0.5), quantile(ms, 0.99))
	return nil
}

// request is a request as the load sends it; fields end with CRLF.
func request(method, target, fields string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n" + fields + "\r\n"
}

// once sends each connection's request, 100 at a time.
func (l *load) once() error {
	for i := 0; i < len(l.conns); i += 100 {
		some := l.conns[i:min(i+100, len(l.conns))]
		for _, c := range some {
			if err := c.ask(); err != nil {
				return err
			}
		}
		for open := len(some); open > 0; {
			if err := l.wait(time.Now().Add(time.Second), func(*client, time.Time) error { open--; return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// slowSenders are 1,000 clients that send a byte a second, to a server that allows a request 5 s.
func slowSenders(int) error {
	const n = 1000
	fmt.Printf("\n%d clients that send a byte a second, half in their header block, half in their body; a request may take 5s\n", n)
	s, err := start("impatient")
	if err != nil {
		return err
	}
	defer s.stop()
	if err := others(s, "before"); err != nil {
		return err
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards what follows
		took  []float64
		other = map[string]int{}
	)
	for i := range n {
		wg.Go(func() {
			answer, d := sendSlowly(s.addr, i%2 == 0)
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(answer, " 408 ") {
				took = append(took, d.Seconds())
			} else {
				other[answer]++
			}
		})
	}
	if err := others(s, "beside them"); err != nil {
		return err
	}
	wg.Wait()
	fmt.Printf("%d were refused by 408 after %.2fs to %.2fs", len(took), quantile(took, 0), quantile(took, 1))
	if len(other) > 0 {
		fmt.Printf(", others got %v", other)
	}
	fmt.Println()
	return nil
}

// sendSlowly sends a request at a byte a second for at most 20 s, and returns the first line that it gets, and when.
func sendSlowly(addr string, head bool) (string, time.Duration) {
	begun := time.Now()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error(), 0
	}
	defer c.Close()
	text := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
	if head {
		text = ""
	}
	stop := make(chan struct{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 20 {
			if _, err := io.WriteString(c, text+"y"); err != nil {
				return
			}
			text = ""
			select {
			case <-time.After(time.Second):
			case <-stop:
				return
			}
		}
	}()
	line, err := bufio.NewReader(c).ReadString('\n')
	took := time.Since(begun)
	close(stop)
	<-sent
	if err != nil {
		return err.Error(), took
	}
	return line, took
}

// uniques sends a million values of a kind, each once, and tells the memory on the way: it grows until the journal's ring and
// the tables are full, and no further.
func uniques(int) error {
	const n = 1_000_000
	fmt.Printf("\n%d values, each sent once: largest resident set in MiB after a tenth, a quarter, a half, all of them\n", n)
	for _, row := range []struct{ what, kind, request string }{
		{"paths", "failing", request("GET", "/items/"+mark, "")},
		{"calls in paths", "failing", request("GET", "/~"+mark+"/items", "")},
		{"clients", "clients", request("GET", "/items", "X-Client: "+mark+"\r\n")},
		{"secrets", "clients", request("GET", "/items", "Authorization: Bearer "+mark+"\r\n")},
		{"events", "events", request("GET", "/effects/"+mark, "")},
		{"keys", "charges", request("POST", "/charges", "Content-Length: 0\r\nIdempotency-Key: "+mark+"\r\n")},
		{"buckets", "limited", request("GET", "/items", "X-Key: "+mark+"\r\n")},
	} {
		if wanted != nil && !slices.Contains(wanted, row.kind) {
			continue
		}
		if err := unique(row.what, row.kind, row.request, n); err != nil {
			return fmt.Errorf("%s: %w", row.what, err)
		}
	}
	return nil
}

// mark stands for the value in a request.
const mark = "00000000"

func unique(what, kind, text string, n int) error {
	s, err := start(kind)
	if err != nil {
		return err
	}
	defer s.stop()
	l, err := newLoad(s.addr, connections, func(int) string { return text })
	if err != nil {
		return err
	}
	defer l.close()
	sent := 0
	upTo := func(n int) (int64, error) {
		err := l.flatOut(n-sent, func(c *client) {
			sent++
			copy(c.request[bytes.Index([]byte(text), []byte(mark)):], fmt.Sprintf("%0*d", len(mark), sent))
		})
		if err != nil {
			return 0, err
		}
		_, rss, err := s.usage()
		return rss, err
	}
	fmt.Printf("%-15s", what)
	for _, part := range []int{10, 4, 2, 1} {
		rss, err := upTo(n / part)
		if err != nil {
			return err
		}
		fmt.Printf(" %4.0f", float64(rss)/1024)
	}
	fmt.Println()
	return nil
}

// flatOut sends n requests as fast as they are answered; prepare is called before each.
func (l *load) flatOut(n int, prepare func(*client)) error {
	left, open := n, 0
	ask := func(c *client) error {
		prepare(c)
		left--
		open++
		return c.ask()
	}
	for _, c := range l.conns[:min(n, len(l.conns))] {
		if err := ask(c); err != nil {
			return err
		}
	}
	for idle := time.Now(); open > 0; {
		err := l.wait(time.Now().Add(time.Second), func(c *client, at time.Time) error {
			open--
			idle = at
			if left == 0 {
				return nil
			}
			return ask(c)
		})
		if err != nil {
			return err
		}
		if time.Since(idle) > 30*time.Second {
			return errors.New("no answer for 30s")
		}
	}
	return nil
}
