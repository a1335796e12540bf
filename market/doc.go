// Package market holds the nouns that all rooms share (Market, Party, Job, Team,
// Trade, Place, Period, Money, Terms and their canonical bytes) and the life of a
// post from draft to its end.
//
// A noun's rules are its methods: pure, and told what time it is. [Board] keeps
// the documents and is the only one to write them by anything but a noun's
// method. The package reaches the store through the store's contract; it opens no
// file and no connection of its own, and it knows nothing of handshakes beyond
// their ids: what a job or a team remembers of one is here, what happens in one
// is in the room matching.
//
// Words: market 零工市场, employer 用工主体, cooperative 农村劳务合作社, agency
// 人力资源服务机构, team 劳务队, job 用工需求, first look 优先对接期, terms
// 协议条款, operator 市场运营员.
package market
