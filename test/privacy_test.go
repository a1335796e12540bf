package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hezuo/api/client"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/realtime"
)

// canary is a personal value that was given to the program, and what it was.
type canary struct{ what, value string }

// canaries are all that were given, to be looked for.
type canaries []canary

func (c *canaries) add(what, value string) string {
	*c = append(*c, canary{what, value})
	return value
}

// A phone, a name and an identity number that nobody else has; each is a canary.

func (c *canaries) phone(n int) string { return c.add("phone", fmt.Sprintf("1877315%04d", 2000+37*n)) }

// name gives a name of four characters, of which masking shows the first.
func (c *canaries) name(n int) string {
	rare := []rune("翀骐骥赟彧昶睿懿翙翯麒麟鸾鹓鶵黼黻龑龢雱")
	name := string([]rune{'欧', rare[n%len(rare)], rare[(7*n+3)%len(rare)], rare[(n/len(rare)*5+n+9)%len(rare)]})
	*c = append(*c, canary{"name", name}, canary{"name without its first character", name[len("欧"):]})
	return name
}

func (c *canaries) identityNumber(n int) string {
	return c.add("identity number", identityNumber(int64(4000+53*n)))
}

// forms gives the ways in which a value may stand somewhere in the clear: as it is,
// as JSON and URLs escape it, in hex, and in base64 wherever it begins there.
func (c canary) forms() map[string][]byte {
	raw := []byte(c.value)
	out := map[string][]byte{
		"as it is": raw, "in hex": []byte(hex.EncodeToString(raw)), "in a URL": []byte(url.QueryEscape(c.value)),
		"in UTF-16": utf16(c.value),
	}
	if escaped := ascii(c.value); escaped != c.value {
		out["escaped"] = []byte(escaped)
	}
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), raw...))
			// What depends on the bytes before and behind is left out.
			from := []int{0, 2, 3}[shift]
			to := len(text)
			if (shift+len(raw))%3 != 0 {
				to--
			}
			out[fmt.Sprintf("in %s at %d", name, shift)] = []byte(text[from:to])
		}
	}
	return out
}

// ascii escapes as encoding/json's ASCII-only relatives do.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

func utf16(s string) []byte {
	var out []byte
	for _, r := range s {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

// scanner finds many short texts in one pass over a long one.
type scanner struct {
	begins [1 << 16]bool        // by the first two bytes
	by     map[[stem]byte][]hit // by the first few
}

// stem is how many bytes the shortest form has at least.
const stem = 6

type hit struct {
	canary
	form string
	text []byte
}

func (c canaries) scanner() *scanner {
	s := &scanner{by: map[[stem]byte][]hit{}}
	for _, one := range c {
		for form, b := range one.forms() {
			first := [stem]byte(b)
			s.begins[int(b[0])<<8|int(b[1])] = true
			s.by[first] = append(s.by[first], hit{one, form, b})
		}
	}
	return s
}

// in looks for all canaries in some text.
func (c canaries) in(t *testing.T, where string, text []byte) {
	t.Helper()
	s := c.scanner()
	for i := range max(0, len(text)-stem+1) {
		if !s.begins[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		for _, h := range s.by[[stem]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], h.text) {
				t.Errorf("%s holds a %s, %s (%s): …%q…", where, h.what, h.form, h.value, text[max(0, i-60):min(len(text), i+len(h.text)+20)])
				return
			}
		}
	}
}

// TestPrivacy sends phones, names and identity numbers of 30 people through every
// flow that takes any, and then looks for them in all that the program leaves
// behind: its files, its logs in both forms, and its refusals.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	var c canaries
	p := newPremises(t)
	p.env["HEZUO_LOG__LEVEL"] = "debug"
	before := len(wire.refused())
	adminPhone := c.phone(99)
	if status, out, log := p.run("admin", "create", "--phone", adminPhone, "--name", c.name(99)); status != 0 {
		t.Fatalf("hezuo admin create: %d %s", status, log)
	} else {
		c.in(t, "hezuo admin create", []byte(out+log))
	}
	var logs []string
	for half, form := range []string{"text", "json"} {
		p.env["HEZUO_LOG__FORMAT"] = form
		w := p.reopen(t, p.serve(), adminPhone)
		for pair := range 5 {
			c.pair(t, w, 5*half+pair)
		}
		c.strangers(t, w, half)
		c.files(t, p) // with the write-ahead log as it is while a server runs
		w.stop()
		logs = append(logs, w.log.String())
	}
	c.files(t, p)
	for i, log := range logs {
		if strings.Count(log, "\n") < 100 {
			t.Errorf("log %d has hardly anything in it:\n%s", i, log)
		}
		c.in(t, "a log", []byte(log))
	}
	c.in(t, "standard output", []byte(p.phones.out.String()))
	refused := wire.refused()[before:]
	if len(refused) < 40 {
		t.Errorf("only %d requests were refused", len(refused))
	}
	c.in(t, "a refusal", bytes.Join(refused, []byte("\n")))
	c.in(t, "hezuo check", []byte(p.check()))
	t.Logf("%d canaries, %d refusals", len(c), len(refused))
}

// reopen signs the admin in, and founds the market if it is not there.
func (p *premises) reopen(t *testing.T, s *server, phone string) *town {
	t.Helper()
	w := &town{premises: p, server: s, t: t}
	var err error
	if w.admin, err = p.signInAs(t.Context(), s.url, phone); err != nil {
		t.Fatal(err)
	}
	w.must(plainly(t.Context(), w.admin, "/v1/markets", body{"county": county}))
	w.operator = w.somebody()
	w.appoint(county, w.operator)
	return w
}

// files looks at every file of the store.
func (c canaries) files(t *testing.T, p *premises) {
	t.Helper()
	files, err := filepath.Glob(p.store() + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	public := 0 // what anybody may see is in the clear, and so is found
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.in(t, filepath.Base(file), text)
		public += bytes.Count(text, []byte("采摘苹果并装箱"))
	}
	if public == 0 {
		t.Error("the jobs are not in the files either: what was looked at?")
	}
}

// pair tells one story of two people, with an individual as the employer and
// personal data wherever a person can write any.
func (c *canaries) pair(t *testing.T, w *town, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do := doer(plainly)
	employer, coop := c.arrive(ctx, t, w, 2*n), c.arrive(ctx, t, w, 2*n+1)
	own := partyBody(market.Individual, w.number.Add(1), c.phone(40+n))
	own["name"], own["contact_name"], own["identity_number"] = c.name(40+n), c.name(60+n), c.identityNumber(n)
	must(do.party(ctx, employer, w.operator, own))
	theirs := partyBody(market.Cooperative, w.number.Add(1), c.phone(70+n))
	theirs["representative"], theirs["contact_name"] = c.name(80+n), c.name(100+n)
	must(do.party(ctx, coop, w.operator, theirs))

	period := days(2+3*n, 2)
	job, err := do.job(ctx, employer, w.operator, jobBody(employer.party, period, 3))
	must(err)
	post := teamBody(coop.party, period, 3)
	post["lowest_pay_fen"] = 90_000_000 // the engine leaves them to each other
	team, err := do.team(ctx, coop, post)
	must(err)
	v := w.must(do(ctx, employer, "/v1/jobs/"+job+"/invitations", body{"team": team}))
	w.must(do(ctx, coop, "/v1/handshakes/"+v.ID+"/yes", body{}))

	socket, err := coop.c.Socket(ctx)
	must(err)
	defer socket.Close()
	text := fmt.Sprintf("我叫%s，手机%s，身份证%s", c.name(120+n), c.phone(120+n), c.identityNumber(120+n))
	_, err = socket.Do(ctx, realtime.DoSay, v.ID, body{"text": text})
	must(err)
	w.must(do(ctx, employer, "/v1/rooms/"+v.ID+"/messages", body{"text": "收到，" + text}))

	must(do.agree(ctx, v.ID, employer, coop))
	must(do.sign(ctx, v.ID, employer))
	must(do.sign(ctx, v.ID, coop))
	inbox, err := socket.Follow(ctx, client.InboxRoom, 0)
	must(err)
	_, err = told(ctx, inbox, "agreement.signed", v.ID)
	must(err)
	file, err := fileOf(ctx, employer, v.ID)
	must(err)
	for _, value := range []any{own["name"], own["identity_number"], theirs["representative"]} {
		if !bytes.Contains(file, []byte(fmt.Sprint(value))) {
			t.Errorf("the parties' file does not disclose %v", value)
		}
	}
	w.must(do(ctx, w.operator, "/v1/parties/"+employer.party+"/contact", body{"purpose": "核实用工信息"}))
}

// arrive signs somebody in who says their name and registers a device by a name
// that is personal too.
func (c *canaries) arrive(ctx context.Context, t *testing.T, w *town, n int) *person {
	t.Helper()
	who, err := w.signInAs(ctx, w.url, c.phone(n))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := who.c.Do(ctx, http.MethodPut, "/v1/me/name", body{"name": c.name(n)}, nil); err != nil {
		t.Fatal(err)
	}
	in, err := w.keyBody(ctx, who)
	if err != nil {
		t.Fatal(err)
	}
	in["label"] = c.name(20+n) + "的手机"
	w.must(plainly(ctx, who, "/v1/me/device-keys", in))
	return who
}

// strangers send personal data to where none belongs, and are refused.
func (c *canaries) strangers(t *testing.T, w *town, n int) {
	t.Helper()
	who := w.somebodyWith(market.Company)
	phone, name, number := c.phone(150+n), c.name(150+n), c.identityNumber(150+n)
	texts := []string{"电话" + phone, name + "，身份证" + number, phone[:3] + "-" + phone[3:7] + "-" + phone[7:]}
	for _, f := range append(partyForms(), jobForm(who.party), teamForm(who.party)) {
		_, path, _ := strings.Cut(f.route, " ")
		for _, field := range slices.Sorted(keysOf(f.good)) {
			for _, text := range texts {
				w.ask(request{method: "POST", path: path, token: who.token(), body: set(f.good, field, []any{text})})
			}
		}
		w.ask(request{method: "POST", path: path, token: who.token(), body: set(f.good, "contact_phone", phone+"1")})
		w.ask(request{method: "POST", path: path, token: who.token(), body: set(f.good, "note", name)})
	}
	raw, err := json.Marshal(body{"phone": phone, "name": name})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []request{
		{method: "POST", path: "/v1/sign-in/codes", body: body{"phone": phone + "9"}},
		{method: "POST", path: "/v1/sign-in", body: body{"phone": phone, "code": "000000"}},
		{method: "POST", path: "/v1/sign-in", body: raw[:len(raw)-1]},
		{method: "POST", path: "/v1/verification", body: raw},
		{method: "GET", path: "/v1/jobs/" + phone, token: who.token()},
		{method: "GET", path: "/v1/jobs?market=" + phone},
		{method: "GET", path: "/v1/" + phone + "?name=" + url.QueryEscape(name)},
		{method: "GET", path: "/v1/jobs?market=" + county + "&phone=" + phone},
		{method: "GET", path: "/v1/socket?ticket=" + phone},
		{method: "GET", path: "/v1/me", token: phone},
		{method: "PUT", path: "/v1/me/name", token: who.token(), body: body{"name": strings.Repeat(name, 30)}},
		{method: "POST", path: "/v1/parties/" + who.party + "/people", token: who.token(), body: body{"person": phone}},
		{method: "POST", path: "/v1/parties/" + who.party + "/contact", token: who.token(), body: body{"purpose": phone + strings.Repeat(name, 60)}},
	} {
		w.ask(q)
	}
	if _, err := w.phones.code(phone, identity.PurposeSignIn)(cancelled(t), ""); err == nil {
		t.Error("a code was sent that nobody asked for")
	}
}

func keysOf(b body) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range b {
			if !yield(k) {
				return
			}
		}
	}
}

// TestCanaryForms sees that the scan finds what is there.
func TestCanaryForms(t *testing.T) {
	one := canary{"name", "欧骐彧睿"}
	for name, form := range one.forms() {
		if len(form) < stem {
			t.Errorf("%s is too short: %q", name, form)
		}
	}
	for shift := range 4 {
		text := "{\"a\":\"" + strings.Repeat("x", shift) + one.value + "。\"}"
		for name, hidden := range map[string]string{
			"as it is": text, "base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(text)),
			"hex": hex.EncodeToString([]byte(text)), "a URL": url.QueryEscape(text), "escaped": ascii(text), "UTF-16": string(utf16(text)),
		} {
			found := false
			for _, form := range one.forms() {
				found = found || strings.Contains(hidden, string(form))
			}
			if !found {
				t.Errorf("a name in %s, shifted by %d, is not found", name, shift)
			}
		}
	}
}
