package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hezuo/api"
)

// row says of one route what it answers to whom. Bodies are valid, so that a status
// shows permission. Several rows may be of one route: of documents in other states.
type row struct {
	route  string // as in the OpenAPI document; a query behind it is the test's own
	note   string
	access api.Access
	want   string          // by role, as in roles
	on     func(*cast) doc // makes the documents that it is about; nil: the standing ones
	body   func(*cast, *person, doc) any
	as     func(*cast, *person) *person // who asks; nil: the one with the role
}

// permissions are the whole of who may do what. 401 is nobody's; 403 is for those
// whom a route is not for, or who see the document and may not do this; 404 is for
// those who are not to know of the document.
var permissions = []row{
	//                                                    anon pers empl stra coop agen oper foop audi admi
	{"POST /v1/sign-in/codes", "", api.Anyone, "202  202  202  202  202  202  202  202  202  202", nil, newPhone, nil},
	{"POST /v1/sign-in", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", (*cast).phoneWithCode, phoneAndCode, nil},
	{"POST /v1/token", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", (*cast).session, refreshToken, nil},
	{"POST /v1/sign-out", "", api.Person, "401  204  204  204  204  204  204  204  204  204", nil, nil, (*cast).again},
	{"GET /v1/me", "", api.Person, "401  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"PUT /v1/me/name", "", api.Person, "401  204  204  204  204  204  204  204  204  204", nil, just(body{"name": "赵六"}), nil},
	{"GET /v1/me/parties", "", api.Person, "401  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"GET /v1/me/inbox", "", api.Person, "401  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"POST /v1/me/codes", "", api.Person, "401  202  202  202  202  202  202  202  202  202", nil, just(body{"purpose": "signing"}), nil},
	{"POST /v1/me/device-keys", "", api.Person, "401  201  201  201  201  201  201  201  201  201", nil, ownKey, nil},
	{"POST /v1/me/device-keys/{key}/revocation", "one's own", api.Person, "401  204  204  204  204  204  204  204  204  204", nil, just(body{"reason": "lost"}), nil},
	{"POST /v1/me/device-keys/{key}/revocation", "the employer's", api.Person, "401  404  204  404  404  404  404  404  404  404", (*cast).employersKey, just(body{"reason": "lost"}), nil},
	{"POST /v1/me/socket-tickets", "", api.Person, "401  200  200  200  200  200  200  200  200  200", nil, nil, nil},

	{"GET /v1/markets", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"GET /v1/markets/{market}", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"POST /v1/markets", "", api.Admin, "401  403  403  403  403  403  403  403  403  201", nil, just(body{"county": "371503"}), nil},
	{"PUT /v1/markets/{market}/settings", "", api.Operator, "401  403  403  403  403  403  200  403  403  403", nil, settings, nil},
	{"PUT /v1/markets/{market}/operators/{person}", "", api.Admin, "401  403  403  403  403  403  403  403  403  200", nil, just(body{"operator": true, "reason": "县局委派"}), nil},
	{"GET /v1/places", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"GET /v1/trades", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, nil, nil},

	{"GET /v1/parties/{party}", "verified", api.Person, "401  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"GET /v1/parties/{party}", "pending", api.Person, "401  404  200  404  404  404  200  404  200  404", (*cast).spareParty, nil, nil},
	{"PUT /v1/parties/{party}", "", api.Party, "401  403  200  404  404  404  403  403  403  403", (*cast).spareParty, companyForm, nil},
	{"POST /v1/parties/{party}/people", "", api.Party, "401  403  200  404  404  404  403  403  403  403", (*cast).spareParty, aPerson, nil},
	{"DELETE /v1/parties/{party}/people/{person}", "", api.Party, "401  403  200  404  404  404  403  403  403  403", (*cast).sharedParty, nil, nil},
	{"POST /v1/parties/{party}/contact", "verified", api.Person, "401  403  200  403  403  403  200  403  403  403", nil, just(body{"purpose": "核实用工信息"}), nil},
	{"POST /v1/parties/{party}/contact", "pending", api.Person, "401  404  200  404  404  404  200  404  403  404", (*cast).spareParty, just(body{"purpose": "核实用工信息"}), nil},
	{"POST /v1/parties/{party}/verification", "", api.Operator, "401  403  403  403  403  403  200  404  403  403", (*cast).spareParty, decision, nil},

	{"POST /v1/jobs", "of one's own party", api.Party, "401  403  201  201  422  422  403  403  403  403", nil, ownJob, nil},
	{"POST /v1/jobs", "of the employer", api.Party, "401  403  201  422  422  422  403  403  403  403", nil, employersJob, nil},
	{"GET /v1/jobs?market=371502", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, nil, nil},
	{"GET /v1/parties/{party}/jobs", "", api.Party, "401  403  200  404  404  404  403  403  403  403", nil, nil, nil},
	{"GET /v1/jobs/{job}", "open", api.Person, "401  200  200  200  200  200  200  200  200  200", (*cast).openJob, nil, nil},
	{"GET /v1/jobs/{job}", "a draft", api.Person, "401  404  200  404  404  404  200  404  200  404", (*cast).draftJob, nil, nil},
	{"PUT /v1/jobs/{job}", "", api.Party, "401  403  200  404  404  404  403  403  403  403", (*cast).draftJob, jobPost, nil},
	{"POST /v1/jobs/{job}/submission", "", api.Party, "401  403  200  404  404  404  403  403  403  403", (*cast).draftJob, nil, nil},
	{"POST /v1/jobs/{job}/closing", "", api.Party, "401  403  200  403  403  403  403  403  403  403", (*cast).openJob, why, nil},
	{"GET /v1/jobs/{job}/candidates", "", api.Party, "401  403  200  403  403  403  403  403  403  403", (*cast).openJob, nil, nil},
	{"GET /v1/jobs/{job}/handshakes", "", api.Person, "401  404  200  404  404  404  200  404  200  404", nil, nil, nil},
	{"POST /v1/jobs/{job}/invitations", "", api.Party, "401  403  201  403  403  403  403  403  403  403", (*cast).pair, aTeam, nil},
	{"POST /v1/jobs/{job}/applications", "", api.Party, "401  403  403  403  201  403  403  403  403  403", (*cast).pair, aTeam, nil},

	{"POST /v1/teams", "of one's own party", api.Party, "401  403  201  201  201  201  403  403  403  403", nil, ownTeam, nil},
	{"POST /v1/teams", "of the cooperative", api.Party, "401  403  422  422  201  422  403  403  403  403", nil, cooperativesTeam, nil},
	{"GET /v1/parties/{cooperative}/teams", "", api.Party, "401  403  404  404  200  404  403  403  403  403", nil, nil, nil},
	{"GET /v1/teams/{team}", "open", api.Person, "401  200  200  200  200  200  200  200  200  200", (*cast).openTeam, nil, nil},
	{"GET /v1/teams/{team}", "a draft", api.Person, "401  404  404  404  200  404  200  404  200  404", (*cast).draftTeam, nil, nil},
	{"PUT /v1/teams/{team}", "", api.Party, "401  403  403  403  200  403  403  403  403  403", (*cast).openTeam, teamPost, nil},
	{"POST /v1/teams/{team}/opening", "", api.Party, "401  403  404  404  200  404  403  403  403  403", (*cast).draftTeam, nil, nil},
	{"POST /v1/teams/{team}/closing", "", api.Party, "401  403  403  403  200  403  403  403  403  403", (*cast).openTeam, why, nil},

	{"GET /v1/parties/{party}/handshakes", "", api.Party, "401  403  200  404  404  404  403  403  403  403", nil, nil, nil},
	{"GET /v1/handshakes/{handshake}", "", api.Person, "401  404  200  404  200  404  200  404  200  404", nil, nil, nil},
	{"POST /v1/handshakes/{handshake}/yes", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).invited, just(body{}), nil},
	{"POST /v1/handshakes/{handshake}/decline", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).invited, why, nil},
	{"POST /v1/handshakes/{handshake}/withdrawal", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).negotiating, why, nil},
	{"POST /v1/handshakes/{handshake}/terms", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).negotiating, otherTerms, nil},
	{"POST /v1/handshakes/{handshake}/acceptance", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).negotiating, newestTerms, nil},
	{"GET /v1/handshakes/{handshake}/signing", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).toSign, nil, nil},
	{"POST /v1/handshakes/{handshake}/signature", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).toSign, signature, nil},
	{"POST /v1/handshakes/{handshake}/refusal", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).toSign, why, nil},
	{"POST /v1/handshakes/{handshake}/breaking-off", "", api.Party, "401  403  200  404  200  404  403  403  403  403", (*cast).signed, why, nil},
	{"GET /v1/rooms/{handshake}/entries", "", api.Person, "401  404  200  404  200  404  404  404  200  404", nil, nil, nil},
	{"POST /v1/rooms/{handshake}/messages", "", api.Party, "401  403  201  404  201  404  403  403  403  403", nil, just(body{"text": "几点开工？"}), nil},

	{"GET /v1/parties/{party}/agreements", "", api.Party, "401  403  200  404  404  404  403  403  403  403", nil, nil, nil},
	{"GET /v1/agreements/{agreement}", "", api.Person, "401  404  200  404  200  404  200  404  200  404", nil, nil, nil},
	{"POST /v1/agreements/{agreement}/file", "", api.Person, "401  404  200  404  200  404  200  404  200  404", nil, just(body{}), nil},
	{"POST /v1/verification", "", api.Anyone, "200  200  200  200  200  200  200  200  200  200", nil, theFile, nil},

	{"GET /v1/markets/{market}/queue", "", api.Reader, "401  403  403  403  403  403  200  403  200  403", nil, nil, nil},
	{"POST /v1/jobs/{job}/review", "", api.Operator, "401  403  403  403  403  403  200  404  403  403", (*cast).jobInReview, decision, nil},
	{"POST /v1/jobs/{job}/removal", "", api.Operator, "401  403  403  403  403  403  200  403  403  403", (*cast).openJob, why, nil},
	{"GET /v1/audit/{collection}/{id}", "", api.Reader, "401  403  403  403  403  403  200  404  200  403", nil, nil, nil},
	{"PUT /v1/people/{person}/roles/{role}", "", api.Admin, "401  403  403  403  403  403  403  403  403  204", nil, just(body{"has": true, "reason": "审计局委派"}), nil},

	// The last: it gives a party to those who had none.
	{"POST /v1/parties", "", api.Person, "401  201  201  201  201  201  201  201  201  201", nil, companyForm, nil},
}

func TestRoles(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	for _, r := range permissions {
		c.judge(t, r)
	}
	c.hostile(t)
	c.offline(t)
	c.stop()
	c.check()
}

// hostile asks every route about ids that nobody gave out, with bodies of nothing,
// as somebody whom it is for: nothing is done, and no request is a defect of ours.
func (c *cast) hostile(t *testing.T) {
	t.Helper()
	may := map[api.Access]string{api.Party: "employer", api.Person: "cooperative", api.Operator: "operator", api.Reader: "auditor", api.Admin: "admin"}
	for _, r := range permissions {
		method, path, _ := strings.Cut(r.route, " ")
		who := c.by[may[r.access]]
		if !strings.Contains(path, "{") {
			continue
		}
		for _, id := range []string{"%00", "%27%3B--", "..%2F..", "%E6%97%A5%E6%9C%AC", "%FF", strings.Repeat("x", 900), "%0A%0Dx"} {
			here := doc{}
			for _, name := range []string{"market", "person", "party", "cooperative", "job", "team", "handshake", "agreement", "collection", "id", "role", "key"} {
				here[name] = id
			}
			q := request{method: method, path: here.path(path), token: who.token()}
			if method != "GET" {
				q.body = body{}
			}
			if a := c.ask(q); a.status >= 500 || method != "GET" && a.status < 300 {
				t.Errorf("%s of %q: %d %s", r.route, id, a.status, a.body)
			}
		}
	}
}

// offline has the command line judge the agreement's file.
func (c *cast) offline(t *testing.T) {
	t.Helper()
	file := c.standing["file"]
	keys := c.ask(request{method: "GET", path: "/.well-known/agreement-keys.json"}).body
	write := func(name string, text []byte) string {
		path := filepath.Join(c.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	jwks := write("keys.json", keys)
	for _, try := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"genuine", []string{write("genuine.json", []byte(file)), "--keys", jwks}, 0, "GENUINE"},
		{"without keys", []string{write("genuine.json", []byte(file))}, 0, "HOLDS BY ITSELF"},
		{"one character changed", []string{write("changed.json", []byte(strings.Replace(file, `"payload":"e`, `"payload":"f`, 1))), "--keys", jwks}, 1, "NOT GENUINE"},
		{"no agreement", []string{jwks, "--keys", jwks}, 1, "NOT GENUINE"},
		{"no file", []string{"nowhere.json"}, 2, ""},
	} {
		status, out, log := c.run(append([]string{"verify"}, try.args...)...)
		if status != try.status || !strings.Contains(out, try.says) {
			t.Errorf("%s: hezuo verify exits with %d, not %d\n%s%s", try.name, status, try.status, out, log)
		}
	}
}

// judge asks for one route as everybody. The documents are made anew after each
// success, which may have changed them.
func (c *cast) judge(t *testing.T, r row) {
	t.Helper()
	want := strings.Fields(r.want)
	if len(want) != len(roles) {
		t.Fatalf("%s %s: %d statuses for %d roles", r.route, r.note, len(want), len(roles))
	}
	method, path, _ := strings.Cut(r.route, " ")
	var d doc
	for i, role := range roles {
		if d == nil {
			d = c.standing
			if r.on != nil {
				d = r.on(c)
			}
		}
		who := c.by[role]
		if r.as != nil && who != nil {
			who = r.as(c, who)
		}
		here := maps.Clone(d)
		q := request{method: method, token: who.token()}
		if strings.Contains(path, "{key}") && r.on == nil {
			here["key"] = c.keyOf(who)
		}
		if r.body != nil {
			q.body = r.body(c, who, here)
		}
		q.path = here.path(path)
		a := c.ask(q)
		if strconv.Itoa(a.status) != want[i] {
			t.Errorf("%s %s: %s gets %d, not %s\n%s", r.route, r.note, role, a.status, want[i], a.body)
		}
		if a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: a 401 that does not say how to sign in", r.route)
		}
		if method != "GET" && a.status < 300 {
			d = nil
		}
	}
}

// TestEveryRouteHasItsRow compares the table with what the program says of itself.
func TestEveryRouteHasItsRow(t *testing.T) {
	t.Parallel()
	s := newPremises(t).serve()
	described := map[string]string{} // routes and who may call them
	var document struct {
		Paths map[string]map[string]struct {
			Access   string           `json:"x-access"`
			Security []map[string]any `json:"security"`

			Parameters []struct {
				Name string `json:"name"`
				In   string `json:"in"`
			} `json:"parameters"`
		} `json:"paths"`
	}
	a := s.ask(request{method: "GET", path: "/openapi.json"})
	if err := json.Unmarshal(a.body, &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method, op := range methods {
			described[strings.ToUpper(method)+" "+path] = op.Access
			if (op.Access == string(api.Anyone)) != (len(op.Security) == 0) {
				t.Errorf("%s %s is open to %s, and its security is %v", method, path, op.Access, op.Security)
			}
			rest := path
			for _, p := range op.Parameters {
				if p.In == "path" {
					rest = strings.ReplaceAll(rest, "{"+p.Name+"}", "")
				}
			}
			if strings.Contains(rest, "{") {
				t.Errorf("%s %s: its handler does not know what the path is about: %s", method, path, rest)
			}
		}
	}
	rows := map[string]api.Access{}
	for _, r := range permissions {
		route, _, _ := strings.Cut(r.route, "?")
		route = strings.Replace(route, "/v1/parties/{cooperative}/", "/v1/parties/{party}/", 1)
		if first, twice := rows[route]; twice && first != r.access {
			t.Errorf("%s: its rows say %s and %s", route, first, r.access)
		}
		rows[route] = r.access
		if got, ok := described[route]; !ok {
			t.Errorf("%s has a row and is no route", route)
		} else if got != string(r.access) {
			t.Errorf("%s is open to %s, and the table says %s", route, got, r.access)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(described)) {
		if _, ok := rows[route]; !ok {
			t.Errorf("%s has no row", route)
		}
	}
	s.stop()
}

// just is a body that is the same for all.
func just(b body) func(*cast, *person, doc) any {
	return func(*cast, *person, doc) any { return b }
}

var (
	why      = just(body{"reason": "行情有变"})
	decision = just(body{"approve": true, "reason": "证照已核对"})
)

func newPhone(c *cast, _ *person, _ doc) any { return body{"phone": c.phone()} }

func phoneAndCode(_ *cast, _ *person, d doc) any { return body{"phone": d["phone"], "code": d["code"]} }

func refreshToken(_ *cast, _ *person, d doc) any { return body{"refresh_token": d["refresh"]} }

func aPerson(_ *cast, _ *person, d doc) any { return body{"person": d["person"]} }

func aTeam(_ *cast, _ *person, d doc) any { return body{"team": d["team"]} }

func theFile(_ *cast, _ *person, d doc) any { return []byte(d["file"]) }

func newestTerms(_ *cast, _ *person, d doc) any { return body{"hash": d["hash"]} }

func otherTerms(_ *cast, _ *person, d doc) any {
	return body{"after": d["hash"], "terms": set(decoded(d["terms"]), "task", "采摘苹果，装箱，搬运")}
}

func settings(c *cast, _ *person, _ doc) any {
	m := read[body](c.t, c.ask(request{method: "GET", path: "/v1/markets/" + county}))
	return body{"settings": m["settings"], "reason": "照旧，只为留痕"}
}

func companyForm(c *cast, _ *person, _ doc) any { return c.form("company", c.by["employer"]) }

func jobPost(c *cast, _ *person, _ doc) any { return without(jobBody("", c.period(), 3), "employer") }

func teamPost(c *cast, _ *person, _ doc) any { return without(teamBody("", c.period(), 3), "owner") }

func ownJob(c *cast, who *person, _ doc) any { return jobBody(partyOf(who), c.period(), 1) }

func employersJob(c *cast, _ *person, _ doc) any {
	return jobBody(c.by["employer"].party, c.period(), 1)
}

func ownTeam(c *cast, who *person, _ doc) any { return teamBody(partyOf(who), c.period(), 1) }

func cooperativesTeam(c *cast, _ *person, _ doc) any {
	return teamBody(c.by["cooperative"].party, c.period(), 1)
}

func partyOf(who *person) string {
	if who == nil {
		return ""
	}
	return who.party
}
