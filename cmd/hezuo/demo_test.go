package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hezuo/api"
	"hezuo/api/client"
)

// result is what a run of the program gave.
type result struct {
	code   int
	out    string
	errors string
}

// hezuo runs the program.
func hezuo(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// wants checks the exit status, and that the output holds some words.
func (r result) wants(t *testing.T, code int, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(r.out+r.errors, w) {
			t.Errorf("the output lacks %q", w)
		}
	}
	if r.code != code || t.Failed() {
		t.Fatalf("exit status %d, want %d\n%s\n%s", r.code, code, r.out, r.errors)
	}
}

// numberAt finds one of the demonstration's phones or identity numbers, and what is
// around it; nil if there is none. Both hold the same digits, which are looked for
// first: the store is long.
func numberAt(data []byte) []byte {
	const digits = "990000"
	for from := 0; ; {
		i := bytes.Index(data[from:], []byte(digits))
		if i < 0 {
			return nil
		}
		at := from + i
		from = at + 1
		if around := data[max(0, at-3):min(len(data), at+20)]; personal.Match(around) {
			return data[max(0, at-80):min(len(data), at+40)]
		}
	}
}

// personal is how they are written: no digits of a hash are taken for one.
var personal = regexp.MustCompile(`(\b|86)1990000[0-9]{4}\b|\b99000019[0-9]{9}[0-9X]\b`)

// TestDemo plays the whole story, keeps it, and looks at what was kept.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	r := hezuo(t, "demo", "--once", "--keep", dir, "--log", "debug")
	r.wants(t, 0, "The whole story held", "用工主体", "优先对接期", "洽谈室", "劳务服务协议", "GENUINE", "NOT GENUINE", "every invariant holds", "made up")
	t.Run("files", func(t *testing.T) { checkKept(t, dir) })
	t.Run("no personal data in the clear", func(t *testing.T) { checkClear(t, dir, r) })
	t.Run("verify", func(t *testing.T) { checkVerify(t, dir) })
	config := filepath.Join(dir, keptConfig)
	t.Run("check", func(t *testing.T) { hezuo(t, "check", "--config", config).wants(t, 0, "every invariant holds") })
	t.Run("config", func(t *testing.T) {
		hezuo(t, "config", "check", "--config", config).wants(t, 0, "the configuration is sound")
		hezuo(t, "config", "doc").wants(t, 0, "master_key_file", "HEZUO_STORE")
	})
	t.Run("not twice", func(t *testing.T) {
		const words = "has markets already"
		hezuo(t, "demo", "--once", "--keep", dir).wants(t, 1, words)
		hezuo(t, "demo", "--once", "--store", "sqlite:"+filepath.Join(dir, keptStore)).wants(t, 1, words)
	})
	t.Run("serve", func(t *testing.T) { checkServe(t, config) })
}

func checkKept(t *testing.T, dir string) {
	for _, name := range []string{keptStore, keptKey, keptConfig, agreementFile, platformKeys} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: mode %o, %d bytes", name, info.Mode().Perm(), info.Size())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "changed.hezuo.json")); err == nil {
		t.Error("the changed file is still there")
	}
}

// checkClear looks for phones and identity numbers in all that was printed, logged
// and kept. Only the marked help may name phones.
func checkClear(t *testing.T, dir string, r result) {
	before, rest, begins := strings.Cut(r.out, phonesBegin)
	help, after, ends := strings.Cut(rest, phonesEnd)
	if !begins || !ends || numberAt([]byte(help)) == nil {
		t.Error("the help for signing in is missing")
	}
	if !strings.Contains(r.errors, "level=") {
		t.Error("nothing was logged, so nothing was proven of the log")
	}
	where := map[string][]byte{"the output": []byte(before + after), "the log": []byte(r.errors)}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if where[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range where {
		if found := numberAt(data); found != nil {
			t.Errorf("%s holds a number in the clear: …%q…", name, found)
		}
	}
	for _, h := range mustTown(t).houses { // what is looked for would be found
		for _, number := range []string{h.person.phone, h.form.IdentityNumber} {
			if found := numberAt([]byte(`{"a":"` + number + `"}`)); (found == nil) != (number == "") {
				t.Errorf("%q is not found", number)
			}
		}
	}
}

func checkVerify(t *testing.T, dir string) {
	file, keys := filepath.Join(dir, agreementFile), filepath.Join(dir, platformKeys)
	hezuo(t, "verify", file, "--keys", keys).wants(t, 0, "真实", "GENUINE")
	hezuo(t, "verify", file).wants(t, 0, "was not compared", "未与平台公钥核对")

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"verify", "-", "--keys", keys}, bytes.NewReader(data), &out, &out); code != 0 {
		t.Errorf("from standard input: exit status %d\n%s", code, out.String())
	}
	other := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(other, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed, err := changePay(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{changed, append(bytes.Clone(data), '\n'), []byte("{}"), nil} {
		r := hezuo(t, "verify", write("bad", bad), "--keys", keys)
		r.wants(t, 1, "NOT GENUINE", "不真实")
		if strings.Contains(r.out, "\nGENUINE") {
			t.Error("it says both")
		}
	}
	foreign := []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","alg":"EdDSA"}]}`)
	hezuo(t, "verify", file, "--keys", write("foreign", foreign)).wants(t, 1, "NOT GENUINE")

	const unread = "nothing was verified"
	hezuo(t, "verify", filepath.Join(other, "none")).wants(t, 2, unread)
	hezuo(t, "verify", file, "--keys", filepath.Join(other, "none")).wants(t, 2, unread)
	hezuo(t, "verify", file, "--keys", file).wants(t, 2, unread, "without a key")
	hezuo(t, "verify", file, "--keys", write("text", []byte("no"))).wants(t, 2, unread, "no JWK Set")
	hezuo(t, "verify", write("long", make([]byte, maxFile+1))).wants(t, 2, unread)
}

// checkServe serves what was kept, and signs in as the cooperative's leader with the
// code from the console.
func checkServe(t *testing.T, config string) {
	ctx, stop := context.WithCancel(t.Context())
	console := newConsole(t, func(out, errs io.Writer) int {
		return run(ctx, []string{"serve", "--config", config, "--listen", "127.0.0.1:0"}, strings.NewReader(""), out, errs)
	})
	url := console.await("listens on ", `http://\S+`)
	limit, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	leader := client.New(url, &http.Client{Transport: transport})
	err := leader.SignIn(limit, mustTown(t).cast.cooperative.person.phone, func(context.Context, string) (string, error) {
		return console.await("code for ", `[0-9]{6}$`), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := client.Get[api.Entries](limit, leader, "/v1/me/inbox?limit=200")
	if err != nil || len(inbox.Entries) == 0 {
		t.Errorf("%d entries in the inbox: %v", len(inbox.Entries), err)
	}
	stop()
	if code := console.end(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// TestDemoStaysUp lets the demonstration stay up until it is told to stop, and looks
// that nothing is left of it.
func TestDemoStaysUp(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, stop := context.WithCancel(t.Context())
	console := newConsole(t, func(out, errs io.Writer) int {
		hamlet := size{cooperatives: 6, teams: 14, employers: 10, jobs: 20, agencies: 2, outsiders: 5}
		c := &demoCommand{Listen: "127.0.0.1:0", Seed: 7, Log: "info", size: hamlet}
		if err := c.Run(&world{ctx: ctx, stdout: out, stderr: errs}); err != nil {
			return complain(errs, err, 1)
		}
		return 0
	})
	url := console.await("It stays up on ", `http://[^ ]+`)
	console.await(phonesEnd, ".*")
	answer, err := client.Get[api.List[api.MarketView]](ctx, client.New(url, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}), "/v1/markets")
	if err != nil || len(answer.Items) != 8 {
		t.Errorf("%d markets: %v", len(answer.Items), err)
	}
	stop()
	if code := console.end(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoFails has the port taken.
func TestDemoFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	hezuo(t, "demo", "--once", "--listen", "127.0.0.1:x").wants(t, 1, "hezuo: ")
	hezuo(t, "demo", "--once", "--store", "mongodb://x").wants(t, 1, "takes sqlite:FILE")
	hezuo(t, "demo", "--log", "loud").wants(t, 2)
}

// console is a run of the program whose output a test reads while it runs.
type console struct {
	t     *testing.T
	lines chan string
	code  chan int
}

func newConsole(t *testing.T, run func(out, errs io.Writer) int) *console {
	t.Helper()
	c := &console{t: t, lines: make(chan string, 4096), code: make(chan int, 1)}
	r, w := io.Pipe()
	go func() {
		var errs bytes.Buffer
		code := run(w, &errs)
		if code != 0 {
			_, _ = fmt.Fprintln(w, errs.String())
		}
		_ = w.Close() // a pipe's never fails
		c.code <- code
	}()
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	return c
}

// await waits for a line with some words and gives what matches in it.
func (c *console) await(words, match string) string {
	c.t.Helper()
	limit := time.NewTimer(3 * patience)
	defer limit.Stop()
	var seen []string
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				c.t.Errorf("it ended without %q:\n%s", words, strings.Join(seen, "\n"))
				return ""
			}
			if seen = append(seen, line); strings.Contains(line, words) {
				return regexp.MustCompile(match).FindString(line)
			}
		case <-limit.C:
			c.t.Errorf("waiting for %q:\n%s", words, strings.Join(seen, "\n"))
			return ""
		}
	}
}

// end waits until the run is over and gives its exit status.
func (c *console) end() int {
	for range c.lines { // so that the run is not kept from writing
	}
	return <-c.code
}
