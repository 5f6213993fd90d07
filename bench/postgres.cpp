// The PostgreSQL of W6: a server of its own on a free port of loopback, run by another user than root; tells its port
// in a file and ends when it is told to. Commits are not waited for on disk (synchronous_commit and fsync are off): the
// disk's mood would hide what the clients cost.  bench_postgres PORT_FILE
#include <signal.h>

#include <cstdio>
#include <fstream>

#include "support/postgres_server.hpp"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto server = fnstack_test::PostgresServer::start(
      {"synchronous_commit=off", "shared_buffers=128MB", "max_wal_size=1GB", "autovacuum=off"});
  if (server == nullptr) return 1;
  // Only now: the server must not inherit it.
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::ofstream(argv[1]) << server->port() << "\n";
  int got = 0;
  ::sigwait(&ends, &got);
}
