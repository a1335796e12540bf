package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hezuo/fault"
)

// route is one line of the table.
type route struct {
	method  string
	path    string
	access  Access
	summary string
	// add registers the handler; made by [does], [makes] or [quietly].
	add func(*Server, huma.Operation)
	// makes says that the route creates something: it needs an Idempotency-Key.
	makes bool
	// status is the answer's; 0: 200, or 201 where it makes something.
	status int
}

// routes is the whole of what the server answers, and to whom.
func (s *Server) routes() []route {
	return []route{
		// Signing in, and one's own account.
		{"POST", "/v1/sign-in/codes", Anyone, "Have a sign-in code sent to a phone", does(s.sendCode), false, 202},
		{"POST", "/v1/sign-in", Anyone, "Sign in with a phone and its code", does(s.signIn), false, 0},
		{"POST", "/v1/token", Anyone, "Get new tokens for a refresh token", does(s.refresh), false, 0},
		{"POST", "/v1/sign-out", Person, "End this session", does(s.signOut), false, 204},
		{"GET", "/v1/me", Person, "Who I am", does(s.me), false, 0},
		{"PUT", "/v1/me/name", Person, "Set my name", does(s.setName), false, 204},
		{"GET", "/v1/me/parties", Person, "The parties that I act for", does(s.myParties), false, 0},
		{"GET", "/v1/me/inbox", Person, "My inbox, from a number on", does(s.inbox), false, 0},
		{"POST", "/v1/me/codes", Person, "Have a code sent to my own phone", does(s.sendOwnCode), false, 202},
		{"POST", "/v1/me/device-keys", Person, "Register this device's signing key", does(s.registerKey), true, 0},
		{"POST", "/v1/me/device-keys/{key}/revocation", Person, "Revoke one of my signing keys", does(s.revokeKey), false, 204},
		{"POST", "/v1/me/socket-tickets", Person, "Get a ticket that opens one websocket", does(s.ticket), false, 0},

		// Markets and lists.
		{"GET", "/v1/markets", Anyone, "All markets", does(s.markets), false, 0},
		{"GET", "/v1/markets/{market}", Anyone, "One market with its settings", does(s.market), false, 0},
		{"POST", "/v1/markets", Admin, "Found a county's market", does(s.foundMarket), true, 0},
		{"PUT", "/v1/markets/{market}/settings", Operator, "Change a market's settings, with a reason", does(s.changeSettings), false, 0},
		{"PUT", "/v1/markets/{market}/operators/{person}", Admin, "Appoint or dismiss an operator, with a reason", does(s.appoint), false, 0},
		{"GET", "/v1/places", Anyone, "Counties and their towns", does(s.places), false, 0},
		{"GET", "/v1/trades", Anyone, "Trades", does(s.trades), false, 0},

		// Parties.
		{"POST", "/v1/parties", Person, "Register a party", does(s.createParty), true, 0},
		{"GET", "/v1/parties/{party}", Person, "One party", does(s.party), false, 0},
		{"PUT", "/v1/parties/{party}", Party, "Change what a party says of itself; it is verified anew", does(s.editParty), false, 0},
		{"POST", "/v1/parties/{party}/people", Party, "Let another person act for a party", does(s.admitPerson), false, 0},
		{"DELETE", "/v1/parties/{party}/people/{person}", Party, "End a person's acting for a party", does(s.dismissPerson), false, 0},
		{"POST", "/v1/parties/{party}/contact", Person, "See a party's contact; an operator's look is recorded with its purpose", does(s.revealContact), false, 0},
		{"POST", "/v1/parties/{party}/verification", Operator, "Verify a party or refuse it, with a reason", does(s.decideParty), false, 0},

		// Jobs.
		{"POST", "/v1/jobs", Party, "Write a job, as a draft", does(s.createJob), true, 0},
		{"GET", "/v1/jobs", Anyone, "A market's open jobs", does(s.openJobs), false, 0},
		{"GET", "/v1/parties/{party}/jobs", Party, "An employer's jobs", does(s.partyJobs), false, 0},
		{"GET", "/v1/jobs/{job}", Person, "One job", does(s.job), false, 0},
		{"PUT", "/v1/jobs/{job}", Party, "Change a draft", does(s.editJob), false, 0},
		{"POST", "/v1/jobs/{job}/submission", Party, "Put a draft before the market's operators", does(s.submitJob), false, 0},
		{"POST", "/v1/jobs/{job}/closing", Party, "Close a job, with a reason", does(s.closeJob), false, 0},
		{"GET", "/v1/jobs/{job}/candidates", Party, "The teams that could do a job, and why others cannot", does(s.candidates), false, 0},
		{"GET", "/v1/jobs/{job}/handshakes", Person, "A job's handshakes", does(s.jobHandshakes), false, 0},
		{"POST", "/v1/jobs/{job}/invitations", Party, "Invite a team to a job", does(s.invite), true, 0},
		{"POST", "/v1/jobs/{job}/applications", Party, "Apply for a job with a team", does(s.apply), true, 0},

		// Teams.
		{"POST", "/v1/teams", Party, "Write a team, as a draft", does(s.createTeam), true, 0},
		{"GET", "/v1/parties/{party}/teams", Party, "A party's teams", does(s.partyTeams), false, 0},
		{"GET", "/v1/teams/{team}", Person, "One team", does(s.team), false, 0},
		{"PUT", "/v1/teams/{team}", Party, "Change a team", does(s.editTeam), false, 0},
		{"POST", "/v1/teams/{team}/opening", Party, "Put a team on the market", does(s.openTeam), false, 0},
		{"POST", "/v1/teams/{team}/closing", Party, "Take a team off the market, with a reason", does(s.closeTeam), false, 0},

		// Handshakes and rooms.
		{"GET", "/v1/parties/{party}/handshakes", Party, "A party's handshakes", does(s.partyHandshakes), false, 0},
		{"GET", "/v1/handshakes/{handshake}", Person, "One handshake", does(s.handshake), false, 0},
		{"POST", "/v1/handshakes/{handshake}/yes", Party, "Say yes to an offer", does(s.yes), false, 0},
		{"POST", "/v1/handshakes/{handshake}/decline", Party, "Say no to an offer, with a reason", does(s.decline), false, 0},
		{"POST", "/v1/handshakes/{handshake}/withdrawal", Party, "Take back what is not agreed, with a reason", does(s.withdraw), false, 0},
		{"POST", "/v1/handshakes/{handshake}/terms", Party, "Propose terms, whole", does(s.propose), false, 0},
		{"POST", "/v1/handshakes/{handshake}/acceptance", Party, "Accept the terms of a hash", does(s.accept), false, 0},
		{"GET", "/v1/handshakes/{handshake}/signing", Party, "What is to be signed", does(s.signing), false, 0},
		{"POST", "/v1/handshakes/{handshake}/signature", Party, "Sign what was agreed", does(s.sign), false, 0},
		{"POST", "/v1/handshakes/{handshake}/refusal", Party, "Refuse to sign what was agreed, with a reason", does(s.refuse), false, 0},
		{"POST", "/v1/handshakes/{handshake}/breaking-off", Party, "Leave what was signed, with a reason", does(s.breakOff), false, 0},
		{"GET", "/v1/rooms/{handshake}/entries", Person, "A negotiation room's entries, from a number on", does(s.roomEntries), false, 0},
		{"POST", "/v1/rooms/{handshake}/messages", Party, "Say something in a negotiation room", does(s.say), true, 0},

		// Agreements.
		{"GET", "/v1/parties/{party}/agreements", Party, "A party's agreements", does(s.partyAgreements), false, 0},
		{"GET", "/v1/agreements/{agreement}", Person, "One agreement", does(s.agreement), false, 0},
		{"POST", "/v1/agreements/{agreement}/file", Person, "An agreement's file, to keep and to verify", does(s.agreementFile), false, 0},
		{"POST", "/v1/verification", Anyone, "Verify an agreement's file", does(s.verifyAgreement), false, 0},

		// The operators' desk, and the auditor.
		{"GET", "/v1/markets/{market}/queue", Reader, "What waits for a market's operators", does(s.queue), false, 0},
		{"POST", "/v1/jobs/{job}/review", Operator, "Approve a post or send it back, with a reason", does(s.reviewJob), false, 0},
		{"POST", "/v1/jobs/{job}/removal", Operator, "Take a post down, with a reason", does(s.removeJob), false, 0},
		{"GET", "/v1/audit/{collection}/{id}", Reader, "The audit trail of a document", does(s.auditTrail), false, 0},
		{"PUT", "/v1/people/{person}/roles/{role}", Admin, "Grant or revoke a role, with a reason", does(s.setRole), false, 204},
	}
}

// does makes a table entry of a typed handler.
func does[I, O any](h func(context.Context, *I) (*O, error)) func(*Server, huma.Operation) {
	return func(s *Server, op huma.Operation) {
		huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := h(ctx, in)
			if err != nil {
				return nil, toProblem(ctx, s.log, err)
			}
			return out, nil
		})
	}
}

// register puts the table's routes on the server.
func (s *Server) register() {
	for _, r := range s.routes() {
		code := r.status
		if code == 0 {
			code = http.StatusOK
			if r.makes {
				code = http.StatusCreated
			}
		}
		op := huma.Operation{
			OperationID: operationID(r), Method: r.method, Path: r.path, Summary: r.summary,
			DefaultStatus: code, MaxBodyBytes: int64(s.cfg.Limits.BodyBytes),
			Description: "Open to: " + string(r.access) + ".",
			Middlewares: huma.Middlewares{s.door(r)},
			Extensions:  map[string]any{"x-access": string(r.access)},
		}
		if r.access != Anyone {
			op.Security = []map[string][]string{{"bearer": {}}}
		}
		if r.makes {
			op.Parameters = []*huma.Param{{
				Name: "Idempotency-Key", In: "header", Required: true,
				Description: "A new random value for each thing to be made, the same for each repeat; 8 to 128 visible characters. Kept 7 days.",
				Schema:      &huma.Schema{Type: huma.TypeString},
			}}
		}
		r.add(s, op)
	}
}

// door lets in whom a route is for.
func (s *Server) door(r route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		v := visitorOf(ctx.Context())
		err := r.access.allow(v)
		if err == nil && r.makes && v.key == "" {
			err = &Problem{
				Type: "about:blank", Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest, Code: fault.Invalid,
				Detail: "this makes something, and needs an Idempotency-Key",
				Fix:    "send the header Idempotency-Key: a new random value for each thing, the same for each repeat",
				Errors: []ProblemField{{"Idempotency-Key", "this header is missing", "send 8 to 128 random characters"}},
			}
		}
		if err != nil {
			s.answerProblem(ctx, toProblem(ctx.Context(), s.log, err))
			return
		}
		v.makes = r.makes
		next(ctx)
	}
}

// answerProblem writes a problem before a handler ran.
func (s *Server) answerProblem(ctx huma.Context, p *Problem) {
	ctx.SetStatus(p.Status)
	ctx.SetHeader("Content-Type", p.ContentType(""))
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
	}
	if err := s.api.Marshal(ctx.BodyWriter(), "application/json", p); err != nil {
		s.log.ErrorContext(ctx.Context(), "a problem could not be written", "error", err)
	}
}
