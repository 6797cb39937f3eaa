/* coalescing.cc -- an Oclgrind plugin that counts what accesses to memory cost a GPU.
 *
 * Work-items execute together in warps of 32: what the same instruction does for the n-th time in each of
 * them is one request. A request to global memory costs the sectors of 32 bytes that it touches; one to local
 * memory as many cycles as the most different words of one of 32 banks. A work-item's accesses that follow
 * each other, to 16 bytes, are one: Oclgrind's compiler takes vectors apart that those of GPUs keep whole. It
 * is a model: no cache, no time.
 *
 * COALESCING_LOG names a file that receives a line per kernel, memory and direction: kernel, "global" or
 * "local", "load" or "store", requests, bytes that were asked for, bytes of the sectors, cycles. */
#include "oclgrind/Context.h"
#include "oclgrind/Kernel.h"
#include "oclgrind/KernelInvocation.h"
#include "oclgrind/Memory.h"
#include "oclgrind/Plugin.h"
#include "oclgrind/WorkGroup.h"
#include "oclgrind/WorkItem.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace
{
constexpr size_t WARP = 32, SECTOR = 32, BANKS = 32, WORD = 4, WIDEST = 16;

struct Access {
    size_t address, bytes;
};

struct Total {
    size_t requests = 0, bytes = 0, sectors = 0, cycles = 0;
};

/* local, store, instruction, how often before, warp */
using Request = std::tuple<bool, bool, const llvm::Instruction *, unsigned, size_t>;

/* A work-item's latest access. */
struct Latest {
    Request request;
    size_t index;
};

class Coalescing : public oclgrind::Plugin
{
    FILE *log;
    std::map<Request, std::vector<Access>> requests;
    std::map<std::pair<const oclgrind::WorkItem *, const llvm::Instruction *>, unsigned> times;
    std::map<const oclgrind::WorkItem *, Latest> latest;
    Total totals[2][2];

    bool extends(const oclgrind::WorkItem *item, bool local, bool store, const Access &access)
    {
        const auto found = latest.find(item);
        if (found == latest.end())
            return false;
        const Request &request = found->second.request;
        Access &last = requests[request][found->second.index];
        if (std::get<0>(request) != local || std::get<1>(request) != store ||
            last.address + last.bytes != access.address || last.bytes + access.bytes > WIDEST)
            return false;
        last.bytes += access.bytes;
        return true;
    }

    void record(const oclgrind::Memory *memory, const oclgrind::WorkItem *item, const Access &access,
                bool store)
    {
        const unsigned space = memory->getAddressSpace();
        const bool local = space == oclgrind::AddrSpaceLocal;
        if (!local && space != oclgrind::AddrSpaceGlobal)
            return;
        if (extends(item, local, store, access))
            return;
        const llvm::Instruction *at = item->getCurrentInstruction();
        const Request request = { local, store, at, times[{ item, at }]++, item->getLocalID().x / WARP };
        std::vector<Access> &all = requests[request];
        all.push_back(access);
        latest[item] = { request, all.size() - 1 };
    }

    static void add(Total &total, const std::vector<Access> &accesses)
    {
        std::set<size_t> bytes, sectors;
        std::map<size_t, std::set<size_t>> banks;
        for (const Access &a : accesses)
            for (size_t b = a.address; b < a.address + a.bytes; b++) {
                bytes.insert(b);
                sectors.insert(b / SECTOR);
                banks[b / WORD % BANKS].insert(b / WORD);
            }
        size_t most = 0;
        for (const auto &bank : banks)
            most = std::max(most, bank.second.size());
        /* Wider accesses than a word take turns even at their best. */
        const size_t least = (bytes.size() + BANKS * WORD - 1) / (BANKS * WORD);
        total.requests++;
        total.bytes += bytes.size();
        total.sectors += sectors.size();
        total.cycles += most - least + 1;
    }

  public:
    explicit Coalescing(const oclgrind::Context *context) : Plugin(context)
    {
        const char *path = getenv("COALESCING_LOG");
        log = path ? fopen(path, "w") : nullptr;
        if (!log)
            log = stderr;
    }
    bool isThreadSafe() const override { return false; }
    void memoryLoad(const oclgrind::Memory *memory, const oclgrind::WorkItem *item, size_t address,
                    size_t bytes) override
    {
        record(memory, item, { address, bytes }, false);
    }
    void memoryStore(const oclgrind::Memory *memory, const oclgrind::WorkItem *item, size_t address,
                     size_t bytes, const uint8_t *) override
    {
        record(memory, item, { address, bytes }, true);
    }
    void workGroupComplete(const oclgrind::WorkGroup *) override
    {
        for (const auto &request : requests)
            add(totals[std::get<0>(request.first)][std::get<1>(request.first)], request.second);
        requests.clear();
        times.clear();
        latest.clear();
    }
    void kernelEnd(const oclgrind::KernelInvocation *invocation) override
    {
        const std::string name = invocation->getKernel()->getName();
        for (size_t local = 0; local < 2; local++)
            for (size_t store = 0; store < 2; store++) {
                Total &t = totals[local][store];
                if (t.requests)
                    fprintf(log, "%s\t%s\t%s\t%zu\t%zu\t%zu\t%zu\n", name.c_str(), local ? "local" : "global",
                            store ? "store" : "load", t.requests, t.bytes, t.sectors * SECTOR, t.cycles);
                t = Total();
            }
        fflush(log);
    }
};

Coalescing *the;
} // namespace

extern "C" {
void initializePlugins(oclgrind::Context *context)
{
    the = new Coalescing(context);
    context->registerPlugin(the);
}
void releasePlugins(oclgrind::Context *context)
{
    context->unregisterPlugin(the);
    delete the;
}
}
