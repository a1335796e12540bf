package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hezuo/vault"
)

// patience is how long anything may take that is waited for. It is no measure:
// what is to be quick is measured where that matters.
const patience = time.Minute

// premises are a store, its key and its settings: what outlives a process.
type premises struct {
	t      testing.TB
	dir    string
	env    map[string]string
	phones *phonebook
	number atomic.Int64 // of phones given out
}

// newPremises makes a store that is not there yet, without limits that a test
// would meet by accident.
func newPremises(t testing.TB) *premises {
	t.Helper()
	key, err := vault.GenerateMasterKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &premises{t: t, dir: t.TempDir(), phones: newPhonebook(), env: map[string]string{
		"HEZUO_VAULT__MASTER_KEY":                  key,
		"HEZUO_LISTEN":                             "127.0.0.1:0",
		"HEZUO_LIMITS__REQUESTS_PER_MINUTE":        "1000000",
		"HEZUO_LIMITS__ANONYMOUS_PER_MINUTE":       "1000000",
		"HEZUO_LIMITS__CODES_PER_PHONE_PER_HOUR":   "1000",
		"HEZUO_LIMITS__CODES_PER_ADDRESS_PER_HOUR": "1000000",
	}}
}

// phone gives a mobile number that nobody has. The last four digits, which the
// console shows, are its own.
func (p *premises) phone() string { return fmt.Sprintf("1990000%04d", p.number.Add(1)) }

func (p *premises) store() string { return filepath.Join(p.dir, "hezuo.db") }

// command makes the program ready to run on the premises, with nothing of the
// test's own environment that it would read as a setting.
func (p *premises) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), binary, args...) // the test ends it, with the signal that it is about
	cmd.Dir = p.dir
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HEZUO_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	settings := maps.Clone(p.env)
	if settings["HEZUO_STORE"] == "" {
		settings["HEZUO_STORE"] = "sqlite:" + p.store()
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		cmd.Env = append(cmd.Env, name+"="+settings[name])
	}
	return cmd
}

// run runs one command to its end.
func (p *premises) run(args ...string) (status int, stdout, stderr string) {
	p.t.Helper()
	cmd := p.command(args...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	var left *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &left) {
		p.t.Fatalf("hezuo %s: %v", strings.Join(args, " "), err)
	}
	unraced(p.t, log.String())
	return cmd.ProcessState.ExitCode(), out.String(), log.String()
}

// check has hezuo check prove the house's invariants over the store, and gives
// what it counted.
func (p *premises) check() string {
	p.t.Helper()
	status, out, log := p.run("check")
	if status != 0 {
		p.t.Errorf("hezuo check exits with %d:\n%s%s", status, out, log)
	}
	return out
}

// server is one process that serves.
type server struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string
	log  *transcript   // standard error
	gone chan struct{} // closed when the process has ended
}

var listens = regexp.MustCompile(`listens on (http://\S+)\n`)

// serve starts a server and waits until it listens.
func (p *premises) serve() *server {
	p.t.Helper()
	s, err := p.start()
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *premises) start(args ...string) (*server, error) {
	s := &server{t: p.t, cmd: p.command(append([]string{"serve"}, args...)...), log: newTranscript(), gone: make(chan struct{})}
	out := newTranscript()
	s.cmd.Stdout, s.cmd.Stderr = io.MultiWriter(out, p.phones.out), s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.gone)
		_ = s.cmd.Wait() // the state says it
	}()
	p.t.Cleanup(func() {
		s.kill()
		unraced(p.t, s.log.String())
		if failures := troubles(s.log.String()); failures != "" {
			p.t.Log(failures)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-s.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	url, err := out.wait(ctx, func(text string) (string, bool) {
		m := listens.FindStringSubmatch(text)
		if m == nil {
			return "", false
		}
		return m[1], true
	})
	if err != nil {
		s.kill()
		return nil, fmt.Errorf("the server does not listen: %w\n%s", err, s.log)
	}
	s.url = url
	return s, nil
}

// address is host and port.
func (s *server) address() string { return strings.TrimPrefix(s.url, "http://") }

// kill ends the process as a power cut does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // refused where it has ended
	<-s.gone
}

// terminate asks the process to stop.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
}

// stop stops the server in order.
func (s *server) stop() {
	s.t.Helper()
	s.terminate()
	if status := s.wait(); status != 0 {
		s.t.Errorf("a server that was asked to stop exits with %d:\n%s", status, s.log)
	}
}

// wait gives the exit status.
func (s *server) wait() int {
	s.t.Helper()
	select {
	case <-s.gone:
	case <-time.After(patience):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
		<-s.gone
		s.t.Errorf("the server does not stop:\n%s", s.log)
	}
	return s.cmd.ProcessState.ExitCode()
}

// troubles gives what a log tells of failures.
func troubles(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// unraced fails the test if a process met a data race or panicked.
func unraced(t testing.TB, log string) {
	t.Helper()
	for _, sign := range []string{"DATA RACE", "panic", "goroutine 1 ["} {
		if i := strings.Index(log, sign); i >= 0 {
			t.Errorf("the program's log tells of a %s:\n%s", sign, log[max(0, i-200):min(len(log), i+4000)])
			return
		}
	}
}
