package redis_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(quiet{}) // it would tell of every server that a test kills
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// server is a real redis-server on a free port of the loopback, with a directory of its own. It ends with the test.
type server struct {
	dir  string
	port string
	args []string // of the configuration
	cmd  *exec.Cmd
}

// startServer starts a redis-server, or skips the test where none is installed.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: the Redis store is not tested")
	}
	s := &server{dir: t.TempDir(), args: args}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

// start starts the server, again after a kill, and waits until it answers. A port that another program takes at that
// moment is changed for another.
func (s *server) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 10 {
		s.port = freePort(t)
		args := append([]string{"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "",
			"--daemonize", "no", "--logfile", s.logFile()}, s.args...)
		_ = os.Remove(s.logFile())
		s.cmd = exec.Command("redis-server", args...)
		s.cmd.SysProcAttr = endWithParent
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if s.answers(ctx, t) {
			return
		}
		s.kill()
	}
	t.Fatalf("redis-server did not start:\n%s", s.log())
}

func (s *server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *server) log() string {
	text, _ := os.ReadFile(s.logFile())
	return string(text)
}

// answers waits until the server answers, and reports false if it ended or is another program's.
func (s *server) answers(ctx context.Context, t testing.TB) bool {
	t.Helper()
	for ctx.Err() == nil {
		if conn, err := net.Dial("tcp", s.addr()); err == nil {
			_ = conn.Close()
			break
		}
		if strings.Contains(s.log(), "Address already in use") {
			return false
		}
	}
	client := goredis.NewClient(&goredis.Options{Addr: s.addr(), MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	for ctx.Err() == nil {
		err := client.Exists(ctx, "any").Err()
		switch {
		case err == nil:
			info := client.Info(ctx, "server").Val()
			return strings.Contains(info, "process_id:"+strconv.Itoa(s.cmd.Process.Pid)+"\r\n")
		case !strings.HasPrefix(err.Error(), "LOADING"):
			return false
		}
	}
	return false
}

func (s *server) addr() string { return "127.0.0.1:" + s.port }

// kill ends the server as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) client(t testing.TB, o goredis.Options) *goredis.Client {
	t.Helper()
	o.Addr = s.addr()
	client := goredis.NewClient(&o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
