// Who a data directory says its node is. The uuids are born with the directory and the boot number
// rises with every start, so a replaced disk, a copied directory or an old process can never pass
// for the node that made its promises (architecture.md, "Rules that keep it safe", 5).
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"

namespace atlas::storage {

/// Read from the disk at open. `cluster_id` is empty and `node` 0 until the node is a member.
struct node_identity {
  std::string cluster_id;
  core::node_id node;
  std::string node_uuid;     ///< random uuid (version 4), lower case with dashes
  std::string disk_uuid;     ///< the same form; made together with the data directory
  core::boot_epoch boot;     ///< 1 at the first start, one more at each open, durable before use
  bool keys_folded = false;  ///< the cluster folds the case of keys; fixed with the membership
};

/// The newest start of another node that this one has seen. An older boot, or the same one started
/// by somebody else, shows a disk that was rolled back or copied.
struct sighting {
  core::boot_epoch boot;
  std::uint64_t start_nonce = 0;
};

}  // namespace atlas::storage
