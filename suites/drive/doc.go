// Package drive makes a client under test work: as one command for the whole run ([Command]), as one command for each
// call of the scenario's drive ([PerCall]), or as a consumer of its webhooks ([Consumer]).
//
// A client is a process in a process group of its own. It is told where the chaos server is by BROWNOUT_URL in its
// environment, of which BROWNOUT_URLS has those of all hosts, by variables of its own (Process.Env), or by placeholders in
// its arguments; over TLS it is told what to trust by the variables of [TrustVariables]:
//
//	{url}        base URL of the chaos server; with one command for each call, the one that names the call
//	{port}       the chaos server's port
//	{ca}         file with the certificate authority to trust; empty where the server speaks no TLS
//	{call}       number of the call, from 1
//	{method}     of the call's request
//	{path}       of the call's request, with its query
//	{body_file}  a file that holds the call's content; empty where it has none
//
// A consumer of webhooks ([Consumer]) is such a command too. Its {port} is the one that it has to listen on, and not the chaos
// server's.
//
// The last four are filled in with one command for each call only. Any other text in braces is left as it is.
//
// Whatever happens, nothing of a client is left running: when it ends, when its context does, and when it is told to stop,
// what is left of its group gets TERM, after the grace KILL.
package drive
