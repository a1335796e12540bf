// Package api is the market's HTTP door: Fiber carries the requests, Huma turns
// Go types into validation, problem+json and the OpenAPI document. A handler
// decodes, calls one method of a room, encodes. It decides nothing and
// orchestrates nothing.
//
// All routes stand in one table ([Server.routes]) with who may call each; one
// place turns errors into answers ([toProblem]).
package api
