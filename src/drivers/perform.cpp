#include "drivers/perform.hpp"

namespace fnstack {

void perform(Effect effect, const Call& call, const Backends& backends, Reply<EffectReply> reply) {
  // A backend's reply as the machine takes it.
  drivers::perform(std::move(effect), call, backends, [&reply]<class T>(std::type_identity<T>) {
    return Reply<T>([reply = std::move(reply)](Result<T> result) mutable {
      if (result.ok()) {
        reply(EffectReply(std::move(*result)));
      } else {
        reply(std::move(result).error());
      }
    });
  });
}

}  // namespace fnstack
