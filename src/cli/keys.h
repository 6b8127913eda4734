// `tine keys`: an authority and certificates for workers, for people who have none (docs/security.md).
#pragma once

#include <string>
#include <vector>

namespace tine::cli {

struct KeysOptions {
  std::string folder;
  // Names of workers; one certificate each. Empty: one certificate for every worker.
  std::vector<std::string> workers;
  int days = 365;  // for which the certificates are valid
};

// Makes the folder (0700) and files in it (0600), and prints what to set. An authority that lies there signs; otherwise one is
// made. Nothing is overwritten: where a file is in the way no file is made. Throws std::runtime_error that names it.
int make_keys(const KeysOptions& options);

}  // namespace tine::cli
