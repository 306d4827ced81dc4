package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// starts measures the time from the start of the command to its first answer.
func starts(int) error {
	dir, err := os.MkdirTemp("", "brownout-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "brownout")
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "brownout").Output()
	if err != nil {
		return fmt.Errorf("the module's folder: %w; run this in its own folder", err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/brownout")
	build.Dir, build.Stderr = strings.TrimSpace(string(module)), os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	fmt.Printf("\nstart of the command to its first answer, 20 starts; stripped binary %.1f MiB\n", float64(info.Size())/(1<<20))
	for _, n := range []int{20, 200} {
		file := filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
		if err := os.WriteFile(file, []byte("name: bench\n"+literal(n, chance)), 0o600); err != nil {
			return err
		}
		var took []float64
		for range 20 {
			d, err := firstAnswer(binary, file)
			if err != nil {
				return err
			}
			took = append(took, float64(d)/float64(time.Millisecond))
		}
		fmt.Printf("%3d routes: %.1f ms (%.1f..%.1f)\n", n, quantile(took, 0.5), quantile(took, 0.25), quantile(took, 0.75))
	}
	return nil
}

// firstAnswer starts the command on a port that was free, and asks until it answers.
func firstAnswer(binary, file string) (time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return 0, err
	}
	cmd := exec.Command(binary, "serve", "--addr", addr, file)
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for time.Since(begin) < 10*time.Second {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		defer nc.Close()
		if _, err := nc.Write([]byte("GET /api/v1/res1/items HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			return 0, err
		}
		if _, err := nc.Read(make([]byte, 1)); err != nil {
			return 0, err
		}
		return time.Since(begin), nil
	}
	return 0, fmt.Errorf("no answer from %s within 10s", addr)
}
