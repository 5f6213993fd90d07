// Disassemble: a program as text, one line an instruction, for people and tests.
#include <fnstack/json.hpp>
#include <fnstack/program.hpp>

#include "program/program_data.hpp"

namespace fnstack {

namespace program {

namespace {

constexpr std::string_view op_names[] = {
#define X(name, doc) #name,
#include "program/ops.def"
#undef X
};

void append_operand(std::string& out, std::uint32_t operand) {
  out += ' ';
  out += operand == none ? "-" : std::to_string(operand);
}

}  // namespace

std::string_view name_of(Op op) noexcept { return op_names[static_cast<std::size_t>(op)]; }

}  // namespace program

std::string Program::disassemble() const {
  std::string out;
  if (empty()) return out;
  for (std::size_t i = 0; i < data_->code.size(); ++i) {
    for (const program::FunctionInfo& function : data_->functions) {
      if (function.entry == i) out += (function.names.empty() ? "(anonymous)" : function.names[0]) + ":\n";
    }
    const program::Instruction& instruction = data_->code[i];
    std::string line = "  " + std::to_string(i) + " " + std::string(program::name_of(instruction.op));
    program::append_operand(line, instruction.a);
    program::append_operand(line, instruction.b);
    program::append_operand(line, instruction.c);
    if (instruction.begins_step && instruction.step != program::none)
      line += "  ; " + data_->steps[instruction.step].describe();
    out += line + "\n";
  }
  return out;
}

}  // namespace fnstack
