package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hezuo/store"
	"hezuo/store/sqlite"
)

// The tests that need another process start this test's own program again, with
// a mode and a directory in its environment.
const (
	childEnv = "HEZUO_SQLITE_CHILD"
	dirEnv   = "HEZUO_SQLITE_DIR"
	nameEnv  = "HEZUO_SQLITE_NAME"
)

// doc is the document of these tests.
type doc struct {
	N    int64  `json:"n"`
	Code string `json:"code,omitempty"`
}

func docSpec() store.Spec[doc] {
	return store.Spec[doc]{Name: "docs", Indexes: []store.Index[doc]{
		{Name: "n", Version: 1, Keys: func(_ string, d *doc) []store.Key { return []store.Key{store.K(d.N)} }},
		{Name: "code", Version: 1, Unique: true, Keys: func(_ string, d *doc) []store.Key {
			if d.Code == "" {
				return nil
			}
			return []store.Key{store.K(d.Code)}
		}},
	}}
}

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

func command(format string, args ...any) store.Command {
	return store.Command{ID: fmt.Sprintf(format, args...), Actor: "person-1", From: "test", At: start}
}

// set makes the function that writes a doc and says so in the feed.
func set(v doc, feed, id string) func(*doc) ([]store.Entry, error) {
	return func(d *doc) ([]store.Entry, error) {
		*d = v
		return []store.Entry{store.Audit("doc.set", "", nil), {Log: feed, ID: id, Kind: "k"}}, nil
	}
}

// count makes the function that counts, and says so in a log.
func count(log, id string) func(*doc) ([]store.Entry, error) {
	return func(d *doc) ([]store.Entry, error) {
		d.N++
		return []store.Entry{store.Audit("doc.count", "", nil), {Log: log, ID: id, Kind: "k"}}, nil
	}
}

// child is the other process. What it has been acknowledged it prints, a line
// each; it ends when its input does.
func child(mode string) int {
	opts := sqlite.Options{Path: os.Getenv(dirEnv) + "/store.db"}
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	if mode == "stop" {
		commits := 0
		opts = opts.WithCommit(func(commit func() error) error {
			if commits++; commits == 2 { // the first is the definition's
				say("inside")
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			}
			return commit()
		})
	}
	ctx := context.Background()
	db, err := sqlite.Open(ctx, opts)
	if err != nil {
		say("error %v", err)
		return 1
	}
	docs, err := store.Open(ctx, db, docSpec())
	if err != nil {
		say("error %v", err)
		return 1
	}
	in := bufio.NewReader(os.Stdin)
	say("ready")
	_, _ = in.ReadString('\n')
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	for w := range 6 {
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := act(db, docs, mode, fmt.Sprintf("%s-%d-%d", os.Getenv(nameEnv), w, i), i, say); err != nil {
					say("error %v", err)
					return
				}
			}
		})
		if mode == "stop" {
			break
		}
	}
	_, _ = io.Copy(io.Discard, in)
	cancel()
	work.Wait()
	if err := db.Close(); err != nil {
		say("error %v", err)
		return 1
	}
	return 0
}

// act is one act of a child: it makes a document, counts in one that all share,
// or appends to a log that all share.
func act(db store.DB, docs *store.Collection[doc], mode, id string, i int, say func(string, ...any)) error {
	ctx := context.Background()
	if mode == "count" {
		i = 1
	}
	switch i % 3 {
	case 0:
		if _, err := docs.Create(ctx, id, command("c"), set(doc{N: int64(i), Code: id}, "feed", id)); err != nil {
			return err
		}
		say("doc %s", id)
	case 1:
		if _, err := docs.Put(ctx, "counter", command("%s", id), count("counts", id)); err != nil {
			return err
		}
		say("count %s", id)
	case 2:
		n, err := db.Append(ctx, store.Entry{Log: "room", ID: id, Kind: "k", At: start})
		if err != nil {
			return err
		}
		say("room %s %d", id, n)
	}
	return nil
}

// process is a child as the test sees it.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	err   bytes.Buffer
	lines chan string // closed when the child has ended
}

// begin starts a child; it waits with its work until told to go.
func begin(t *testing.T, mode, name, dir string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), exe), lines: make(chan string, 100000)}
	p.cmd.Env = append(os.Environ(), childEnv+"="+mode, dirEnv+"="+dir, nameEnv+"="+name)
	p.cmd.Stderr = &p.err // not ours: a child that is left over must not hold it open
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for r := bufio.NewScanner(out); r.Scan(); {
			p.lines <- r.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		for range p.lines { // to its end, before Wait closes the pipe
		}
		_ = p.cmd.Wait()
		if p.err.Len() > 0 {
			t.Logf("the other process: %s", p.err.String())
		}
	})
	p.expect("ready")
	return p
}

func (p *process) goOn() { _, _ = io.WriteString(p.in, "go\n") }

// next gives the child's next line; empty when it has ended.
func (p *process) next() string {
	p.t.Helper()
	line := <-p.lines
	if strings.HasPrefix(line, "error ") {
		p.t.Fatal("the other process: " + line)
	}
	return line
}

func (p *process) expect(want string) {
	p.t.Helper()
	if line := p.next(); line != want {
		p.t.Fatalf("the other process says %q, not %q", line, want)
	}
}

// rest gives what the child still says until it ends.
func (p *process) rest() []string {
	p.t.Helper()
	var all []string
	for line := p.next(); line != ""; line = p.next() {
		all = append(all, line)
	}
	return all
}

// waitStopped waits until the child has been stopped by a signal.
func (p *process) waitStopped() {
	p.t.Helper()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		p.t.Fatalf("the other process was not stopped: %v, %v", status, err)
	}
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}
